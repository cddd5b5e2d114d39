INSERT INTO lifecycle.audit_forgotten (run_id, round, closed_before, destroyed)
SELECT %(run_id)s, (SELECT coalesce(max(round), 0) + 1 FROM lifecycle.audit_forgotten WHERE run_id = %(run_id)s),
       %(closed_before)s, lifecycle.destroy_salts(%(closed_before)s::timestamptz)
RETURNING destroyed
