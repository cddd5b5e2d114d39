SELECT case_id, place, until_at, outcome, why
FROM lifecycle.audit_residue
WHERE run_id = %(run_id)s AND round = (SELECT max(round) FROM lifecycle.audit_residue WHERE run_id = %(run_id)s)
ORDER BY case_id, place
