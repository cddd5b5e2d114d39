SELECT what, count(*) AS findings
FROM lifecycle.audit_finding
WHERE run_id = %(run_id)s AND round = (SELECT max(round) FROM lifecycle.audit_log WHERE run_id = %(run_id)s)
GROUP BY what ORDER BY what COLLATE "C"
