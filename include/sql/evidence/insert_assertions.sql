INSERT INTO lifecycle.assertion (run_id, round, name, success, observed, expected)
SELECT %(run_id)s, (SELECT coalesce(max(round), 0) + 1 FROM lifecycle.assertion WHERE run_id = %(run_id)s), d.*
FROM unnest(%(names)s::text[], %(successes)s::boolean[], %(observed)s::text[], %(expected)s::text[])
     AS d (name, success, observed, expected)
