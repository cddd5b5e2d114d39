-- Files whose records count, the earliest first; as_of is the moment whose policy their promise follows.
SELECT f.file_id, f.kind, f.object_key, f.version_id, f.bytes, f.rows, f.last_end, r.as_of
FROM lifecycle.archive_file f JOIN lifecycle.run r USING (run_id)
WHERE f.state = 'current' AND f.current_at IS NOT NULL
ORDER BY f.current_at, f.file_id
