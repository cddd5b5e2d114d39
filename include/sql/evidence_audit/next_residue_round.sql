SELECT coalesce(max(round), 0) + 1 AS round FROM lifecycle.audit_residue WHERE run_id = %(run_id)s
