-- Records that are not archived yet, as they will be; a null parameter does not restrict.
SELECT payment_id, charge_id, order_id, kind, provider, provider_ref, amount, fee, currency, occurred_at, settled_at,
       payer_country, customer_ref
FROM studio.payment_record
WHERE (%(order_id)s::text IS NULL OR order_id = %(order_id)s)
  AND (%(provider_ref)s::text IS NULL OR provider_ref = %(provider_ref)s)
  AND (%(occurred_from)s::timestamptz IS NULL OR occurred_at >= %(occurred_from)s)
  AND (%(occurred_to)s::timestamptz IS NULL OR occurred_at < %(occurred_to)s)
ORDER BY occurred_at, payment_id
