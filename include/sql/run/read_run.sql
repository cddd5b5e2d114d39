SELECT run_id, pipeline, dag_run_id, attempt, as_of, dry_run, policy_id, policy_version, policy_sha256, code_sha,
       planned_at, released_at, manifest_sha256, batches, facts, state
FROM lifecycle.run
WHERE run_id = %(run_id)s
