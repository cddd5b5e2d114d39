-- How many families that is, and when their promises end.
SELECT count(*) AS families, coalesce(sum(f.records), 0)::bigint AS rows, min(e.ends_at) AS first_end, max(e.ends_at) AS last_end
FROM studio.payment_family f
LEFT JOIN lifecycle.payment_late l USING (charge_id)
CROSS JOIN LATERAL (SELECT greatest(lifecycle.kept_until(f.final_at, %(years)s, %(time_zone)s), l.ends_at) AS ends_at) AS e
WHERE f.whole AND f.final_at <= %(final_before)s AND f.final_at >= %(final_from)s AND f.final_at < %(final_to)s
  AND e.ends_at >= %(window_start)s AND e.ends_at < %(window_end)s
  AND f.charge_id NOT IN (SELECT q.charge_id FROM lifecycle.payment_quarantine q WHERE q.cleared_at IS NULL)
