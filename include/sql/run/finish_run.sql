UPDATE lifecycle.run SET state = %(state)s, finished_at = clock_timestamp() WHERE run_id = %(run_id)s
