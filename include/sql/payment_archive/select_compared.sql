-- The studio's side of a comparison: hot rows that the file names, as they are now, and what was read from other files.
SELECT r.payment_id, r.charge_id, r.order_id, r.kind, r.provider, r.provider_ref, r.amount, r.fee, r.currency, r.occurred_at,
       r.settled_at, r.payer_country, r.customer_ref, r.provider_payload
FROM (SELECT h.payment_id, h.charge_id, h.order_id, h.kind, h.provider, h.provider_ref, h.amount, h.fee, h.currency, h.occurred_at,
             h.settled_at, h.payer_country, h.customer_ref, h.provider_payload
      FROM studio.payment_record h
      JOIN archived a ON a.payment_id = h.payment_id AND a.occurred_at = h.occurred_at
      UNION ALL
      SELECT payment_id, charge_id, order_id, kind, provider, provider_ref, amount, fee, currency, occurred_at, settled_at,
             payer_country, customer_ref, provider_payload
      FROM lifecycle.payment_restated WHERE file_id = %(file_id)s) AS r
ORDER BY r.order_id COLLATE "C", r.occurred_at, r.payment_id
