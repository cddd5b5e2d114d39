-- Of all orders the due ones, spread evenly, ended 5 to 6.4 days ago; one in fifty of the others is open or ended within
-- four days and keeps its files; the rest ended 8 days to 3 years ago and is purged.
INSERT INTO studio.orders (order_id, customer_id, service, created_at, last_activity_at, terminal_at, terminal_kind, photo_state)
SELECT 'bulk_' || lpad(n::text, 9, '0'), md5('bulk customer ' || n / 10)::uuid, 'anime portrait',
       active_at - interval '14 days', active_at,
       CASE WHEN NOT is_open THEN active_at END, CASE WHEN NOT is_open THEN 'completed' END,
       CASE WHEN is_due OR is_current THEN 'present' ELSE 'absent' END
FROM generate_series(%(first)s, %(first)s + %(orders)s - 1) AS n
CROSS JOIN LATERAL (SELECT n - %(first)s AS position, random() AS chance, random() AS luck) AS drawn
CROSS JOIN LATERAL (
    SELECT (position + 1) * %(due)s / %(orders)s > position * %(due)s / %(orders)s AS is_due, position %% 50 = 0 AS current
) AS share
CROSS JOIN LATERAL (SELECT current AND NOT is_due AS is_current, current AND NOT is_due AND luck < 0.5 AS is_open) AS state
CROSS JOIN LATERAL (
    SELECT now() - CASE WHEN is_due THEN interval '5 days 1 hour' + chance * interval '32 hours'
                        WHEN is_current THEN chance * interval '4 days'
                        ELSE interval '8 days' + chance * interval '3 years' END AS active_at
) AS aged
