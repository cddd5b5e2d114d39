-- Versions of which this run was to let go.
SELECT bucket, object_key, version_id, state FROM lifecycle.hold_item WHERE run_id = %(run_id)s AND want = 'off' AND state <> 'stopped'
