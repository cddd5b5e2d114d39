INSERT INTO lifecycle.log_leaf (log_index, evidence_id, leaf_hash) VALUES (%(log_index)s, %(evidence_id)s, %(leaf_hash)s)
