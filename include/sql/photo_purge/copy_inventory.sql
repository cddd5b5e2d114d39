COPY inventory (bucket, object_key, kind, version_id, last_modified) FROM STDIN
