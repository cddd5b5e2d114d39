-- Counted from the sealed plan, not from what was seen.
SELECT count(*) AS cases FROM lifecycle.audit_case WHERE run_id = %(run_id)s
