-- Every file that should be in the vault, and every one that should not be any more.
SELECT f.file_id, f.object_key, f.version_id, f.last_end, f.bytes, f.kind,
       CASE WHEN f.state = 'expiring' THEN 'absent' ELSE 'present' END AS expected
FROM lifecycle.archive_file f
WHERE f.state IN ('intended', 'stored', 'current', 'expiring') OR (f.state = 'abandoned' AND f.object_key IS NOT NULL)
