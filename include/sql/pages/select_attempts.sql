-- Every plan that one DAG run sealed, the latest first.
SELECT run_id, attempt, as_of, dry_run, policy_id, policy_version, policy_sha256, code_sha, manifest_sha256, planned_at, released_at,
       state, finished_at
FROM lifecycle.run
WHERE pipeline = %(pipeline)s AND dag_run_id = %(dag_run_id)s
ORDER BY attempt DESC
