SELECT bucket, outcome, code FROM lifecycle.hold_probe
WHERE run_id = %(run_id)s AND round = (SELECT max(round) FROM lifecycle.hold_probe WHERE run_id = %(run_id)s)
ORDER BY bucket
