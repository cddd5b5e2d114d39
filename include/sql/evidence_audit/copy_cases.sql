COPY lifecycle.audit_case (run_id, case_id, epoch, why, days, closed_at, commitments_root, stated) FROM STDIN
