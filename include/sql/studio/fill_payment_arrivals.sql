-- Without triggers nobody noted what arrived.
INSERT INTO lifecycle.payment_arrival (month, currency, kind, rows, amount)
SELECT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date, currency, kind, count(*), sum(amount)
FROM studio.payments
WHERE order_id BETWEEN 'paid_' || lpad((%(first)s / 2)::text, 9, '0') AND 'paid_' || lpad(((%(first)s + %(rows)s - 1) / 2)::text, 9, '0')
GROUP BY 1, 2, 3
