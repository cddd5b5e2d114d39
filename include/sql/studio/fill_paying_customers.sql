INSERT INTO studio.customers (customer_id, display_name, email, country, time_zone, created_at)
SELECT md5(%(seed)s || ' paying customer ' || n)::uuid, 'Payer ' || n, 'payer' || n || '@example.org', 'DE', 'Europe/Berlin',
       %(from_at)s::timestamptz - interval '1 day'
FROM generate_series(%(first)s / 20, (%(first)s + %(rows)s - 1) / 20) AS n
ON CONFLICT (customer_id) DO NOTHING
