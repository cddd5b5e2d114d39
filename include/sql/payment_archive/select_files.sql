SELECT file_id, run_id, batch, kind, window_start, window_end, final_from, final_to, order_id, state, object_key, version_id, rows,
       families, bytes, sha256, content_digest, first_end, last_end, locked_until
FROM lifecycle.archive_file
WHERE run_id = %(run_id)s AND batch = %(batch)s
ORDER BY file_id
