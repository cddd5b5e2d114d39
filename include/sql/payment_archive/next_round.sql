SELECT coalesce(max(round), 0) + 1 AS round FROM lifecycle.archive_sight WHERE run_id = %(run_id)s
