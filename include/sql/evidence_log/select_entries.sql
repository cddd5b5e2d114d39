SELECT l.log_index, e.envelope
FROM lifecycle.log_leaf l JOIN lifecycle.evidence e USING (evidence_id)
WHERE l.log_index >= %(first)s AND l.log_index < %(end)s OR l.log_index = ANY (%(others)s::bigint[])
ORDER BY l.log_index
