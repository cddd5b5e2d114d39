INSERT INTO lifecycle.run (pipeline, dag_run_id, attempt, as_of, dry_run, policy_id, policy_version, policy_sha256,
                           code_sha, manifest_sha256, batches, facts)
VALUES (%(pipeline)s, %(dag_run_id)s, %(attempt)s, %(as_of)s, %(dry_run)s, %(policy_id)s, %(policy_version)s,
        %(policy_sha256)s, %(code_sha)s, %(manifest_sha256)s, %(batches)s, %(facts)s)
RETURNING run_id
