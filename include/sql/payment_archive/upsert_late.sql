INSERT INTO lifecycle.payment_late (charge_id, ends_at, run_id)
SELECT l.charge_id, l.ends_at, %(run_id)s FROM unnest(%(charge_ids)s::uuid[], %(ends)s::timestamptz[]) AS l (charge_id, ends_at)
ON CONFLICT (charge_id) DO UPDATE SET ends_at = excluded.ends_at, run_id = excluded.run_id, found_at = clock_timestamp()
