UPDATE lifecycle.run SET released_at = coalesce(released_at, clock_timestamp()) WHERE run_id = %(run_id)s
