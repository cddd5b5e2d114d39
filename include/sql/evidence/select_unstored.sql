SELECT evidence_id, envelope, envelope_sha256 FROM lifecycle.evidence WHERE stored_at IS NULL ORDER BY signed_at
