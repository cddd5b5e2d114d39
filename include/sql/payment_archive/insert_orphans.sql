INSERT INTO lifecycle.payment_orphan (charge_id, run_id)
SELECT c, %(run_id)s FROM unnest(%(charge_ids)s::uuid[]) AS c
ON CONFLICT DO NOTHING
