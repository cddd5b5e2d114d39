SELECT count(*) AS planned FROM lifecycle.hold_item WHERE run_id = %(run_id)s
