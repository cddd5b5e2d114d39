SELECT evidence_id, run_id, envelope FROM lifecycle.evidence ORDER BY signed_at, evidence_id
