-- A key for each customer whose payments are about to be archived; none for those who asked to be forgotten.
INSERT INTO lifecycle.customer_key (customer_id)
SELECT DISTINCT o.customer_id
FROM studio.payment_family f
JOIN studio.orders o USING (order_id)
JOIN studio.customers c USING (customer_id)
WHERE f.final_at <= %(final_before)s AND c.erase_requested_at IS NULL AND c.pseudonymised_at IS NULL AND NOT c.is_minor
ON CONFLICT DO NOTHING
