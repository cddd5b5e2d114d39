SELECT bucket, object_key, kind, version_id FROM lifecycle.canary WHERE bucket = ANY (%(buckets)s)
