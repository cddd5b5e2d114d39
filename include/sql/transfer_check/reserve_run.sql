-- The number of the run that follows: what it is to judge is written, and sealed, before the run itself.
SELECT nextval(pg_get_serial_sequence('lifecycle.run', 'run_id')) AS run_id
