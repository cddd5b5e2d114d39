INSERT INTO lifecycle.canary (bucket, object_key, kind, version_id)
SELECT * FROM unnest(%(buckets)s::text[], %(keys)s::text[], %(kinds)s::text[], %(versions)s::text[])
ON CONFLICT DO NOTHING
