INSERT INTO lifecycle.log_node (level, position, hash)
SELECT * FROM unnest(%(levels)s::smallint[], %(positions)s::bigint[], %(hashes)s::bytea[])
