-- Records that are not archived yet, as they will be; a null parameter does not restrict. In which columns a card's number
-- was found, and in which a person found it to be none.
SELECT r.payment_id, r.charge_id, r.order_id, r.kind, r.provider, r.provider_ref, r.amount, r.fee, r.currency, r.occurred_at,
       r.settled_at, r.payer_country, r.customer_ref,
       ARRAY(SELECT q.column_name FROM lifecycle.payment_quarantine q
             WHERE q.payment_id = r.payment_id AND q.cleared_at IS NULL) AS quarantined,
       ARRAY(SELECT q.column_name FROM lifecycle.payment_quarantine q
             WHERE q.payment_id = r.payment_id AND q.cleared_at IS NOT NULL) AS cleared
FROM studio.payment_record r
WHERE (%(order_id)s::text IS NULL OR r.order_id = %(order_id)s)
  AND (%(provider_ref)s::text IS NULL OR r.provider_ref = %(provider_ref)s)
  AND (%(occurred_from)s::timestamptz IS NULL OR r.occurred_at >= %(occurred_from)s)
  AND (%(occurred_to)s::timestamptz IS NULL OR r.occurred_at < %(occurred_to)s)
ORDER BY r.occurred_at, r.payment_id
