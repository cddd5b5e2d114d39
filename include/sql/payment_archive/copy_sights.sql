COPY lifecycle.archive_sight (run_id, round, file_id, expected, outcome, code, locked_until, lock_short, bytes, seen_at)
FROM STDIN
