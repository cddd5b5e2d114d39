SELECT l.log_index, l.evidence_id, l.leaf_hash, e.envelope, e.envelope_sha256, e.store_version_id
FROM lifecycle.log_leaf l LEFT JOIN lifecycle.evidence e USING (evidence_id)
WHERE (l.log_index >= %(first)s AND l.log_index < %(end)s) OR l.log_index = ANY (%(others)s::bigint[])
ORDER BY l.log_index
