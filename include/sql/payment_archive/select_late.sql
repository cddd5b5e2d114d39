-- Refunds and disputes that are due while their charges are archived.
SELECT f.charge_id, f.order_id
FROM studio.payment_family f
LEFT JOIN lifecycle.payment_late l USING (charge_id)
CROSS JOIN LATERAL (SELECT greatest(lifecycle.kept_until(f.final_at, %(years)s, %(time_zone)s), l.ends_at) AS ends_at) AS e
WHERE NOT f.whole AND f.final_at <= %(final_before)s AND f.final_at >= %(final_from)s AND f.final_at < %(final_to)s
  AND e.ends_at >= %(window_start)s AND e.ends_at < %(window_end)s
  AND f.charge_id NOT IN (SELECT q.charge_id FROM lifecycle.payment_quarantine q WHERE q.cleared_at IS NULL)
