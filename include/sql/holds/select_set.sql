-- Versions that this run was to flag.
SELECT bucket, object_key, version_id FROM lifecycle.hold_item WHERE run_id = %(run_id)s AND want = 'on'
