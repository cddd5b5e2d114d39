INSERT INTO lifecycle.audit_log (run_id, round, first_index, tree_size, root, entries, sampled, checkpoints, locks, own_plan_found,
                                 gaps, days_missing, runs_without_logs, findings)
SELECT %(run_id)s, (SELECT coalesce(max(round), 0) + 1 FROM lifecycle.audit_log WHERE run_id = %(run_id)s), %(first_index)s,
       %(tree_size)s, %(root)s, %(entries)s, %(sampled)s, %(checkpoints)s, %(locks)s, %(own_plan_found)s, %(gaps)s,
       %(days_missing)s, %(runs_without_logs)s, %(findings)s
RETURNING round
