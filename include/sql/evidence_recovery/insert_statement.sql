INSERT INTO lifecycle.evidence (evidence_id, run_id, sequence, predicate_type, outcome, facts_sha256, key_id, envelope,
                                envelope_sha256, signed_at, stored_at, store_version_id)
VALUES (%(evidence_id)s, %(run_id)s, %(sequence)s, %(predicate_type)s, %(outcome)s, %(facts_sha256)s, %(key_id)s, %(envelope)s,
        %(envelope_sha256)s, %(signed_at)s, %(stored_at)s, %(version_id)s)
