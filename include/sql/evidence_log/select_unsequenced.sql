-- The sequencer's own snapshot: statements without a place, in the order of signing.
SELECT e.evidence_id, e.envelope, e.envelope_sha256, e.signed_at, e.stored_at, e.store_version_id
FROM lifecycle.evidence e
WHERE NOT EXISTS (SELECT FROM lifecycle.log_leaf l WHERE l.evidence_id = e.evidence_id)
ORDER BY e.signed_at, e.evidence_id
