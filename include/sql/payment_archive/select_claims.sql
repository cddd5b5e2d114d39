-- The cases of a run: its files, and those it planned to erase.
SELECT file_id, state, content_digest, true AS made, current_at IS NOT NULL AS archived
FROM lifecycle.archive_file WHERE run_id = %(run_id)s
UNION ALL
SELECT f.file_id, f.state, f.content_digest, false, f.current_at IS NOT NULL
FROM lifecycle.archive_expiry x JOIN lifecycle.archive_file f USING (file_id)
WHERE x.run_id = %(run_id)s
ORDER BY 1
