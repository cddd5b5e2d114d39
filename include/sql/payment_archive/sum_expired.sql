SELECT coalesce(sum(rows), 0)::bigint AS rows FROM lifecycle.payment_expired WHERE run_id = %(run_id)s
