-- The latest verified statement about the archive.
SELECT e.evidence_id, e.envelope_sha256, r.as_of
FROM lifecycle.evidence e JOIN lifecycle.run r USING (run_id)
WHERE r.pipeline = 'payment_archive' AND e.outcome = 'verified'
ORDER BY e.stored_at DESC NULLS LAST
LIMIT 1
