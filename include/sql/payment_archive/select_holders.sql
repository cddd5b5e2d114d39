-- Files that may hold records of an order, the latest first: what is restated there counts.
SELECT file_id, object_key, version_id, bytes, sha256
FROM lifecycle.archive_file
WHERE state IN ('current', 'expiring') AND min_order_id <= %(order_id)s AND max_order_id >= %(order_id)s AND last_end <= %(ended_by)s
ORDER BY current_at DESC, file_id
