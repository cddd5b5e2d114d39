-- All changes of keys, and whether a signed head covers them.
SELECT e.evidence_id, e.envelope,
       coalesce(l.log_index < (SELECT max(tree_size) FROM lifecycle.log_checkpoint), false) AS published
FROM lifecycle.evidence e LEFT JOIN lifecycle.log_leaf l USING (evidence_id)
WHERE e.predicate_type = %(predicate_type)s
ORDER BY l.log_index NULLS LAST, e.signed_at
