-- Closed cases of which a look or a search for residue may be due; exact days are computed by the plan.
SELECT c.case_id, c.epoch, c.closed_at, c.commitments_root, s.looked_at, s.verdict, s.next_residue_at,
       coalesce(s.stated, 'OBSERVED_ABSENT') AS stated
FROM lifecycle.erasure_case c
LEFT JOIN lifecycle.audit_state s ON s.case_id = c.case_id AND s.epoch = c.epoch
WHERE c.pipeline = ANY (%(pipelines)s) AND c.state = 'absent' AND c.commitments_root IS NOT NULL AND c.closed_at < %(as_of)s
  AND (%(everything)s OR (s.case_id IS NULL AND c.closed_at <= %(first_closed)s)
       OR s.next_look_at <= %(as_of)s OR s.next_residue_at <= %(as_of)s)
