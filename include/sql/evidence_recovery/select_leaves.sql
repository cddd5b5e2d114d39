SELECT log_index, evidence_id, leaf_hash FROM lifecycle.log_leaf ORDER BY log_index
