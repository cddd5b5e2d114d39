SELECT item_id, case_id, bucket, object_key, kind, version_id, bytes, disposition
FROM lifecycle.item
WHERE run_id = %(run_id)s
