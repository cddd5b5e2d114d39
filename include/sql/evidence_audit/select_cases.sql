SELECT a.case_id, a.why, c.order_id, a.closed_at
FROM lifecycle.audit_case a
JOIN lifecycle.erasure_case c USING (case_id)
WHERE a.run_id = %(run_id)s
ORDER BY a.case_id
