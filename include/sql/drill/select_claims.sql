-- Cases of an audit with what was seen of them.
SELECT case_id, verdict FROM lifecycle.audit_verdict WHERE run_id = %(run_id)s
