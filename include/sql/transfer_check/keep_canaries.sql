INSERT INTO lifecycle.transfer_canary_verdict (run_id, disclosure_id, broken)
SELECT %(run_id)s, s.disclosure_id, j.broken
FROM subject s JOIN judged j USING (key)
WHERE s.canary
