SELECT hold_id, basis_class, expires_at, files, versions, flagged
FROM lifecycle.hold_seen
WHERE run_id = %(run_id)s AND round = (SELECT max(round) FROM lifecycle.hold_look WHERE run_id = %(run_id)s)
ORDER BY hold_id
