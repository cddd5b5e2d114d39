INSERT INTO studio.order_uploads (order_id, upload_id)
SELECT o.order_id, ('00000000-0000-4000-8000-' || lpad(to_hex(right(o.order_id, 9)::bigint * 1000 + u), 12, '0'))::uuid
FROM studio.orders o CROSS JOIN generate_series(1, %(uploads_per_order)s) AS u
WHERE o.order_id BETWEEN 'bulk_' || lpad(%(first)s::text, 9, '0') AND 'bulk_' || lpad((%(first)s + %(orders)s - 1)::text, 9, '0')
