-- Files of the archive that may hold what is asked for, by what each covers; a null parameter does not restrict. The latest
-- comes first: it is the one that counts for a payment that several hold.
SELECT file_id, kind, object_key, version_id, sha256, bytes, rows, last_end, current_at
FROM lifecycle.archive_file
WHERE state IN ('current', 'expiring') AND current_at IS NOT NULL
  AND (%(order_id)s::text IS NULL OR %(order_id)s::text COLLATE "C" BETWEEN min_order_id AND max_order_id)
  AND (%(occurred_from)s::timestamptz IS NULL OR max_occurred_at >= %(occurred_from)s)
  AND (%(occurred_to)s::timestamptz IS NULL OR min_occurred_at < %(occurred_to)s)
ORDER BY current_at DESC, file_id
