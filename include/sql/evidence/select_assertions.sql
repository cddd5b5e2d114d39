SELECT round, name, success, observed, expected
FROM lifecycle.assertion
WHERE run_id = %(run_id)s AND round = (SELECT max(round) FROM lifecycle.assertion WHERE run_id = %(run_id)s)
ORDER BY name COLLATE "C"
