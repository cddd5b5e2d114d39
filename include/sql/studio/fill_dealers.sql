-- People with orders for measurements: ten orders each.
WITH person AS (
    INSERT INTO studio.customers (customer_id, display_name, email, country, time_zone, is_minor, created_at)
    SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Bench', 'bench@example.org', 'CN', 'UTC', n %% 500 = 0,
           %(until)s::timestamptz - interval '800 days'
    FROM generate_series(0, %(orders)s / 10 - 1) AS n
    RETURNING customer_id
)
INSERT INTO studio.orders (order_id, customer_id, service, created_at, last_activity_at)
SELECT 'deal_' || lpad(n::text, 7, '0'), ('00000000-0000-4000-8000-' || lpad((n %% (%(orders)s / 10))::text, 12, '0'))::uuid, 'portrait',
       %(until)s::timestamptz - interval '500 days', %(until)s::timestamptz - interval '400 days'
FROM generate_series(0, %(orders)s - 1) AS n, (SELECT count(*) FROM person) AS written
