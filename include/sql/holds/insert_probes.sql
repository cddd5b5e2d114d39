INSERT INTO lifecycle.hold_probe (run_id, round, bucket, outcome, code)
SELECT %(run_id)s, (SELECT coalesce(max(round), 0) + 1 FROM lifecycle.hold_probe WHERE run_id = %(run_id)s), p.*
FROM unnest(%(buckets)s::text[], %(outcomes)s::text[], %(codes)s::text[]) AS p (bucket, outcome, code)
