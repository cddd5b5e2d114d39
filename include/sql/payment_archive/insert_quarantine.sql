INSERT INTO lifecycle.payment_quarantine (payment_id, charge_id, run_id, column_name, reason)
SELECT q.payment_id, q.charge_id, %(run_id)s, q.column_name, 'card-number'
FROM unnest(%(payment_ids)s::uuid[], %(charge_ids)s::uuid[], %(column_names)s::text[]) AS q (payment_id, charge_id, column_name)
ON CONFLICT DO NOTHING
