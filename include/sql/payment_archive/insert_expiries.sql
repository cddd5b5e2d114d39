INSERT INTO lifecycle.archive_expiry (run_id, file_id)
SELECT %(run_id)s, f FROM unnest(%(file_ids)s::uuid[]) AS f
