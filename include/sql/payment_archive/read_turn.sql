SELECT run_id FROM lifecycle.archive_turn WHERE run_id = %(run_id)s
