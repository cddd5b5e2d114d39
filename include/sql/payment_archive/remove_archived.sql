-- Only what is, in every column, NULLs included, as the file has it: a row that changed since is not touched, and then
-- nothing is. The payload is compared as text: 1.0 and 1.00 are equal as JSON numbers, and not the same.
DELETE FROM studio.payments p
USING archived a
WHERE p.payment_id = a.payment_id AND p.occurred_at = a.occurred_at
  AND (p.charge_id, p.order_id, p.kind, p.provider, p.provider_ref, p.amount, p.fee, p.currency, p.settled_at, p.payer_country,
       p.provider_payload::text)
      IS NOT DISTINCT FROM
      (a.charge_id, a.order_id, a.kind, a.provider, a.provider_ref, a.amount, a.fee, a.currency, a.settled_at, a.payer_country,
       a.provider_payload)
