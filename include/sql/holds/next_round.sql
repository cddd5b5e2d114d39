SELECT coalesce(max(round), 0) + 1 AS round FROM lifecycle.hold_look WHERE run_id = %(run_id)s
