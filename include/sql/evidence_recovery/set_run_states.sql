-- Runs as the log knows them; one that was finished stays as it is.
UPDATE lifecycle.run r
SET state = d.state, finished_at = d.finished_at
FROM unnest(%(run_ids)s::bigint[], %(states)s::text[], %(moments)s::timestamptz[]) AS d (run_id, state, finished_at)
WHERE r.run_id = d.run_id AND r.state = 'planned'
