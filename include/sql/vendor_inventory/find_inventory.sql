SELECT register_sha256, previous_run_id FROM lifecycle.inventory WHERE run_id = %(run_id)s
