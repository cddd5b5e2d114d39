COPY lifecycle.audit_residue (run_id, round, case_id, place, until_at, outcome, why) FROM STDIN
