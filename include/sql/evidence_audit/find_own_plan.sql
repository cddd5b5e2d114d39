SELECT l.log_index FROM lifecycle.evidence e JOIN lifecycle.log_leaf l USING (evidence_id)
WHERE e.run_id = %(run_id)s AND e.predicate_type = %(predicate_type)s
