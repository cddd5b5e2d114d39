-- The latest run of each pipeline that was meant to act, with the place of its statement in the log and its assertions.
SELECT DISTINCT ON (s.pipeline)
       s.pipeline, s.run_id, s.dag_run_id, s.as_of, s.policy_version, s.state, s.planned_at, s.finished_at, s.evidence_id, s.outcome,
       s.stored_at, l.log_index, a.held, a.broken
FROM lifecycle.run_summary s
LEFT JOIN lifecycle.log_leaf l USING (evidence_id)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE r.success) AS held, count(*) FILTER (WHERE NOT r.success) AS broken
    FROM lifecycle.assertion r
    WHERE r.run_id = s.run_id AND r.round = (SELECT max(o.round) FROM lifecycle.assertion o WHERE o.run_id = s.run_id)) a
WHERE NOT s.dry_run
ORDER BY s.pipeline, s.run_id DESC
