COPY lifecycle.observation (run_id, round, case_id, item_id, subject, disposition, bucket, object_key, kind, version_id, bytes,
                            outcome, code, observed_at)
FROM STDIN
