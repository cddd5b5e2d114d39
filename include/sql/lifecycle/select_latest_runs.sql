-- The latest run of each pipeline that was meant to act, with the sums over all of them, for the reviewer's summary.
SELECT DISTINCT ON (pipeline)
       pipeline, dag_run_id, as_of, dry_run, policy_version, state, planned, counts, evidence_id, outcome, stored_at,
       count(*) OVER everything AS all_runs,
       sum((counts ->> 'acted')::bigint) OVER everything AS all_acted,
       sum((counts #>> '{cases,absent}')::bigint) OVER everything AS all_absent
FROM lifecycle.run_summary
WHERE NOT dry_run
WINDOW everything AS (PARTITION BY pipeline)
ORDER BY pipeline, run_id DESC
