-- Texts with a run of digits long enough for a card's number, in records about to be archived; whether it is one is
-- decided elsewhere, and the texts are shown to nobody.
WITH due AS (
    SELECT f.charge_id FROM studio.payment_family f
    WHERE f.final_at <= %(final_before)s AND f.final_at >= %(final_from)s AND f.final_at < %(final_to)s
      AND f.charge_id NOT IN (SELECT q.charge_id FROM lifecycle.payment_quarantine q WHERE q.cleared_at IS NULL)
)
SELECT p.payment_id, p.charge_id, t.column_name, t.content
FROM studio.payments p
JOIN due USING (charge_id)
CROSS JOIN LATERAL (VALUES ('order_id', p.order_id), ('provider', p.provider), ('provider_ref', p.provider_ref),
                           ('payer_name', p.payer_name), ('provider_payload', p.provider_payload::text))
    AS t (column_name, content)
WHERE t.content ~ '[0-9]([ -]?[0-9]){11}'
  -- What a person has looked at and cleared is not found again.
  AND NOT EXISTS (SELECT FROM lifecycle.payment_quarantine q WHERE q.payment_id = p.payment_id AND q.column_name = t.column_name)
