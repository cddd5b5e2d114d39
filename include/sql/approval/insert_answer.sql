INSERT INTO lifecycle.approval (run_id, manifest_sha256, asked_at, answer, why, answered_by, started_by)
VALUES (%(run_id)s, %(manifest_sha256)s, %(asked_at)s, %(answer)s, %(why)s, %(answered_by)s, %(started_by)s)
