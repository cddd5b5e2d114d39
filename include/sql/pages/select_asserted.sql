-- The assertions of these runs, as they went the last time; what does not hold comes first.
SELECT a.run_id, a.name, a.success, a.observed, a.expected, a.asserted_at
FROM lifecycle.assertion a
WHERE a.run_id = ANY (%(run_ids)s::bigint[])
  AND a.round = (SELECT max(o.round) FROM lifecycle.assertion o WHERE o.run_id = a.run_id)
ORDER BY a.run_id DESC, a.success, a.name
