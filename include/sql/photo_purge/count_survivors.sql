SELECT count(*) AS survivors,
       count(DISTINCT c.batch) AS batches,
       coalesce(array_agg(DISTINCT c.batch), '{}') AS batch_numbers
FROM lifecycle.observation o
JOIN lifecycle.erasure_case c USING (case_id)
WHERE o.run_id = %(run_id)s AND o.outcome = 'present' AND (o.subject = 'survivor' OR o.disposition = 'erase')
  AND o.round = (SELECT max(round) FROM lifecycle.observation WHERE run_id = %(run_id)s)
