-- No run may have a number under which the locked bucket holds statements already.
SELECT setval(sequence, greatest(nextval(sequence), %(at_least)s)) AS last
FROM (SELECT pg_get_serial_sequence('lifecycle.run', 'run_id')::regclass AS sequence) AS named
