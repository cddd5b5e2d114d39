UPDATE studio.payments SET payer_name = NULL
WHERE payer_name IS NOT NULL AND order_id IN (SELECT order_id FROM studio.orders WHERE customer_id = %(customer_id)s)
