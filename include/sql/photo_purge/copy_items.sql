COPY lifecycle.item (run_id, case_id, epoch, rule_id, upload_id, origin, bucket, object_key, kind, version_id, bytes, disposition,
                     policy_version)
FROM STDIN
