-- Deletes and enters into the books in one statement: what is not counted is not gone.
WITH gone AS (
    DELETE FROM studio.payments p
    USING studio.payment_family f
    LEFT JOIN lifecycle.payment_late l USING (charge_id)
    WHERE f.charge_id = p.charge_id AND f.final_at IS NOT NULL
      AND greatest(lifecycle.kept_until(f.final_at, %(years)s, %(time_zone)s), l.ends_at) <= %(as_of)s
      AND f.order_id NOT IN (SELECT h.order_id FROM studio.effective_order_hold h)
    RETURNING p.occurred_at, p.currency, p.kind, p.amount
)
INSERT INTO lifecycle.payment_expired (run_id, month, currency, kind, rows, amount)
SELECT %(run_id)s, date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date, currency, kind, count(*), sum(amount)
FROM gone GROUP BY 2, 3, 4
ON CONFLICT (run_id, month, currency, kind) DO UPDATE
    SET rows = payment_expired.rows + excluded.rows, amount = payment_expired.amount + excluded.amount
RETURNING rows
