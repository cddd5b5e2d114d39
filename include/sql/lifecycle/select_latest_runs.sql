-- The latest run of each pipeline that was meant to act, for the reviewer's summary.
SELECT DISTINCT ON (pipeline)
       pipeline, dag_run_id, as_of, dry_run, policy_version, state, planned, counts, evidence_id, outcome, stored_at
FROM lifecycle.run_summary
WHERE NOT dry_run
ORDER BY pipeline, run_id DESC;
