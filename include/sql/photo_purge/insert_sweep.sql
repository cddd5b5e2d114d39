INSERT INTO lifecycle.sweep (run_id, round, bucket, listed, owned, held, overdue, orphans, aged_orphans, canaries, oldest_orphan_at)
SELECT %(run_id)s,
       (SELECT coalesce(max(round), 0) + 1 FROM lifecycle.sweep WHERE run_id = %(run_id)s),
       b.bucket,
       count(j.bucket),
       count(*) FILTER (WHERE verdict = 'owned'),
       count(*) FILTER (WHERE verdict = 'held'),
       count(*) FILTER (WHERE verdict = 'overdue'),
       count(*) FILTER (WHERE verdict = 'orphan'),
       count(*) FILTER (WHERE verdict = 'orphan' AND last_modified <= %(aged_before)s),
       count(*) FILTER (WHERE verdict = 'canary'),
       min(last_modified) FILTER (WHERE verdict = 'orphan')
FROM unnest(%(buckets)s::text[]) AS b (bucket)
LEFT JOIN judged j USING (bucket)
GROUP BY b.bucket
RETURNING bucket, listed, owned, held, overdue, orphans, aged_orphans, canaries, oldest_orphan_at
