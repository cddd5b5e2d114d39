-- A statement about no run; the same facts again change nothing.
INSERT INTO lifecycle.evidence (evidence_id, predicate_type, outcome, facts_sha256, key_id, envelope, envelope_sha256)
VALUES (%(evidence_id)s, %(predicate_type)s, 'recorded', %(facts_sha256)s, %(key_id)s, %(envelope)s, %(envelope_sha256)s)
ON CONFLICT (predicate_type, facts_sha256) WHERE run_id IS NULL DO NOTHING
