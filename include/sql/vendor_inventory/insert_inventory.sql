INSERT INTO lifecycle.inventory (run_id, register_sha256, previous_run_id, quiet_after)
VALUES (%(run_id)s, %(register)s, %(previous)s, %(quiet_after)s)
ON CONFLICT DO NOTHING
