-- Runs with a result among the entries, the latest first.
SELECT DISTINCT r.pipeline, r.dag_run_id, r.run_id
FROM lifecycle.log_leaf l
JOIN lifecycle.evidence e USING (evidence_id)
JOIN lifecycle.run r ON r.run_id = e.run_id
WHERE l.log_index >= %(first)s AND l.log_index < %(end)s AND e.predicate_type = %(predicate_type)s
ORDER BY r.run_id DESC
LIMIT %(count)s
