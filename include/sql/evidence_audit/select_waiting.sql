-- Signed long ago and still without a place.
SELECT e.evidence_id FROM lifecycle.evidence e
WHERE e.signed_at < %(signed_before)s AND NOT EXISTS (SELECT FROM lifecycle.log_leaf l WHERE l.evidence_id = e.evidence_id)
ORDER BY e.evidence_id
