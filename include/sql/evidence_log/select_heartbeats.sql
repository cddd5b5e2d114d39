SELECT evidence_id FROM lifecycle.evidence
WHERE predicate_type = %(predicate_type)s AND evidence_id COLLATE "C" >= %(first)s AND evidence_id COLLATE "C" < %(end)s
ORDER BY evidence_id COLLATE "C"
