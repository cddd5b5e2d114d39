COPY lifecycle.audit_look (run_id, round, case_id, items, present, accounted, unseen, looked_at) FROM STDIN
