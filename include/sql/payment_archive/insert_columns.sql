INSERT INTO lifecycle.archive_column (file_id, name, digest, nulls)
SELECT %(file_id)s, c.* FROM unnest(%(names)s::text[], %(digests)s::text[], %(nulls)s::bigint[]) AS c
