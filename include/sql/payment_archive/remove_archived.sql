-- By id and digest. A digest is over all that is archived of a row, NULLs, types and lengths included, so that only what is as
-- the file has it goes: a row that changed since is not touched, and then nothing is. The payload is taken as text: 1.0 and
-- 1.00 are equal as JSON numbers, and not the same. IS NOT DISTINCT FROM keeps the digest out of the join's keys: it is worked
-- out for the rows that the file names, not for the whole table.
DELETE FROM studio.payments p
USING archived a
WHERE p.payment_id = a.payment_id AND p.occurred_at = a.occurred_at
  AND a.digest IS NOT DISTINCT FROM
      sha256(record_send(ROW(p.charge_id, p.order_id, p.kind, p.provider, p.provider_ref, p.amount::text, p.fee::text, p.currency,
                             p.settled_at, p.payer_country, p.provider_payload)))
