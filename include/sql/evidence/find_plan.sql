-- A run's plan is stated once.
SELECT evidence_id, outcome, envelope_sha256 FROM lifecycle.evidence WHERE run_id = %(run_id)s AND predicate_type = %(predicate_type)s
