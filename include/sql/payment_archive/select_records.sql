-- The records of a file to be, in the archive's order: families of one window, as they are in this snapshot.
WITH due AS (
    SELECT f.charge_id
    FROM studio.payment_family f
    LEFT JOIN lifecycle.payment_late l USING (charge_id)
    CROSS JOIN LATERAL (SELECT greatest(lifecycle.kept_until(f.final_at, %(years)s, %(time_zone)s), l.ends_at) AS ends_at) AS e
    WHERE f.whole AND f.final_at <= %(final_before)s AND f.final_at >= %(final_from)s AND f.final_at < %(final_to)s
      AND e.ends_at >= %(window_start)s AND e.ends_at < %(window_end)s
      AND f.charge_id NOT IN (SELECT q.charge_id FROM lifecycle.payment_quarantine q WHERE q.cleared_at IS NULL)
)
SELECT r.payment_id, r.charge_id, r.order_id, r.kind, r.provider, r.provider_ref, r.amount, r.fee, r.currency, r.occurred_at,
       r.settled_at, r.payer_country, r.customer_ref, r.provider_payload
FROM studio.payment_record r
JOIN due USING (charge_id)
ORDER BY r.order_id COLLATE "C", r.occurred_at, r.payment_id
