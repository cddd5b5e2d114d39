SELECT evidence_id, outcome, envelope_sha256 FROM lifecycle.evidence WHERE run_id = %(run_id)s AND facts_sha256 = %(facts_sha256)s
