INSERT INTO lifecycle.audit_finding (run_id, round, number, what, subject)
SELECT %(run_id)s, %(round)s, d.number, d.what, d.subject
FROM unnest(%(whats)s::text[], %(subjects)s::text[]) WITH ORDINALITY AS d (what, subject, number)
