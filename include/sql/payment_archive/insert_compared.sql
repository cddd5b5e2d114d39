INSERT INTO lifecycle.archive_compared (file_id, version_id, run_id, rows, horizon)
VALUES (%(file_id)s, %(version_id)s, %(run_id)s, %(rows)s, %(horizon)s::xid8)
