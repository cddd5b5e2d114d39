-- The records of a file that restates, in the archive's order: as they were read from the vault, and what came later.
SELECT r.payment_id, r.charge_id, r.order_id, r.kind, r.provider, r.provider_ref, r.amount, r.fee, r.currency, r.occurred_at,
       r.settled_at, r.payer_country, r.customer_ref, r.provider_payload
FROM (SELECT payment_id, charge_id, order_id, kind, provider, provider_ref, amount, fee, currency, occurred_at, settled_at,
             payer_country, customer_ref, provider_payload
      FROM lifecycle.payment_restated WHERE file_id = %(file_id)s
      UNION ALL
      SELECT payment_id, charge_id, order_id, kind, provider, provider_ref, amount, fee, currency, occurred_at, settled_at,
             payer_country, customer_ref, provider_payload
      FROM studio.payment_record
      WHERE %(with_hot)s AND charge_id IN (SELECT charge_id FROM lifecycle.payment_restated WHERE file_id = %(file_id)s)) AS r
ORDER BY r.order_id COLLATE "C", r.occurred_at, r.payment_id
