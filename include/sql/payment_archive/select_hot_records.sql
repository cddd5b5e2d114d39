-- Everything hot, in the archive's order.
SELECT payment_id, charge_id, order_id, kind, provider, provider_ref, amount, fee, currency, occurred_at, settled_at, payer_country,
       customer_ref, provider_payload
FROM studio.payment_record
ORDER BY order_id COLLATE "C", occurred_at, payment_id
