-- The last entry that is a heartbeat of a day before that of the entry given: days that were missed are declared later.
SELECT coalesce(max(l.log_index), -1) AS last
FROM lifecycle.log_leaf l
JOIN lifecycle.evidence e USING (evidence_id)
WHERE e.predicate_type = %(predicate_type)s AND l.log_index < %(end)s
  AND e.evidence_id COLLATE "C" < (SELECT 'heartbeat/' || to_char(x.signed_at AT TIME ZONE 'UTC', 'YYYY/MM/DD')
                                   FROM lifecycle.log_leaf y JOIN lifecycle.evidence x USING (evidence_id)
                                   WHERE y.log_index = %(log_index)s)
