COPY lifecycle.hold_item (run_id, bucket, object_key, version_id, upload_id, origin, want) FROM STDIN
