INSERT INTO lifecycle.log_leaf (log_index, evidence_id, leaf_hash)
SELECT * FROM unnest(%(indexes)s::bigint[], %(names)s::text[], %(hashes)s::bytea[])
