SELECT log_index, evidence_id, leaf_hash FROM lifecycle.log_leaf
WHERE log_index >= %(first)s AND log_index < %(end)s ORDER BY log_index
