SELECT case_id, epoch, why, closed_at, commitments_root, stated, verdict
FROM lifecycle.audit_verdict WHERE run_id = %(run_id)s ORDER BY case_id
