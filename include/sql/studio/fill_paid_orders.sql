-- Orders of long ago, without files: nothing in them for the purge.
INSERT INTO studio.orders (order_id, customer_id, service, created_at, last_activity_at, terminal_at, terminal_kind, photo_state)
SELECT 'paid_' || lpad(n::text, 9, '0'), md5(%(seed)s || ' paying customer ' || n / 20)::uuid, 'anime portrait',
       at, at, at, 'completed', 'none'
FROM generate_series(%(low)s / 2, (%(low)s + %(slice)s - 1) / 2) AS n
CROSS JOIN LATERAL (
    -- The share first: years times millions are more days than an interval holds.
    SELECT %(from_at)s::timestamptz + (%(to_at)s::timestamptz - %(from_at)s::timestamptz)
                                      * (greatest(2 * n - %(first)s, 0)::float8 / %(rows)s) AS at
) AS placed
ON CONFLICT (order_id) DO NOTHING
