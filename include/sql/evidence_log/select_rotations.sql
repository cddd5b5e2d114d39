-- Changes of keys among the first entries of the log.
SELECT l.log_index, e.envelope
FROM lifecycle.log_leaf l JOIN lifecycle.evidence e USING (evidence_id)
WHERE e.predicate_type = %(predicate_type)s AND l.log_index < %(end)s
ORDER BY l.log_index
