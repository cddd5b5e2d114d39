SELECT count(*) AS names FROM studio.payments p JOIN studio.orders o USING (order_id)
WHERE o.customer_id = %(customer_id)s AND p.payer_name IS NOT NULL
