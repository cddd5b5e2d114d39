-- Files under holds in force, one row a file; what is made from a held file is held with it.
SELECT f.upload_id, f.bucket, f.object_key, array_agg(DISTINCT f.hold_id) AS hold_ids,
       coalesce(array_agg(DISTINCT o.order_id) FILTER (WHERE o.order_id IS NOT NULL), '{}') AS order_ids
FROM studio.held_file f
LEFT JOIN LATERAL unnest(f.order_ids) AS o (order_id) ON true
GROUP BY f.upload_id, f.bucket, f.object_key
