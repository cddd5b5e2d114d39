-- One customer per ten orders; the same number always has the same id.
INSERT INTO studio.customers (customer_id, display_name, email, country, time_zone, created_at)
SELECT md5('bulk customer ' || n)::uuid, 'Bulk customer ' || n, 'bulk+' || n || '@example.org', 'CN', 'Asia/Shanghai',
       now() - interval '4 years'
FROM generate_series(%(first)s / 10, (%(first)s + %(orders)s - 1) / 10) AS n
ON CONFLICT DO NOTHING
