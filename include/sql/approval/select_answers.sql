-- What was answered about a run, the latest first.
SELECT manifest_sha256, asked_at, answer, why, answered_by, started_by, answered_at
FROM lifecycle.approval WHERE run_id = %(run_id)s
ORDER BY approval_id DESC
