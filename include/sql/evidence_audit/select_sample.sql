-- Chance, but one that anybody who knows the seed can repeat: the first by the digest of seed and case.
SELECT c.case_id, c.epoch, c.closed_at, c.commitments_root, s.looked_at, s.verdict, s.next_residue_at,
       coalesce(s.stated, 'OBSERVED_ABSENT') AS stated
FROM lifecycle.erasure_case c
LEFT JOIN lifecycle.audit_state s ON s.case_id = c.case_id AND s.epoch = c.epoch
WHERE c.pipeline = ANY (%(pipelines)s) AND c.state = 'absent' AND c.commitments_root IS NOT NULL AND c.closed_at < %(as_of)s
  AND c.case_id NOT IN (SELECT chosen.case_id FROM unnest(%(chosen)s::uuid[]) AS chosen (case_id))
ORDER BY sha256(convert_to(%(seed)s || c.case_id::text, 'UTF8'))
LIMIT %(count)s
