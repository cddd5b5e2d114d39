SELECT coalesce(max(sequence), 0) + 1 AS sequence FROM lifecycle.evidence WHERE run_id = %(run_id)s
