-- What can be claimed of each case that a run holds, and no more: absent only once it is closed; held when anything of it was
-- kept or stopped; unknown when anything was tried without a clear answer or could not be seen; accepted is not absent.
WITH claim AS (
    SELECT case_id, state, closed_at, commitments_root FROM lifecycle.erasure_case WHERE run_id = %(run_id)s
), item AS (
    SELECT case_id,
           bool_or(disposition = 'hold' OR state = 'stopped') AS held,
           bool_or(disposition = 'erase' AND state IN ('intended', 'failed', 'unknown')) AS unclear,
           bool_or(disposition = 'erase' AND state = 'accepted') AS touched,
           bool_or(disposition = 'erase' AND state = 'planned') AS left_over
    FROM lifecycle.item WHERE run_id = %(run_id)s GROUP BY case_id
), unseen AS (
    SELECT DISTINCT case_id FROM lifecycle.checked WHERE outcome = 'unknown' AND case_id IS NOT NULL
)
SELECT c.case_id, c.closed_at, c.commitments_root,
       CASE WHEN c.state = 'absent' THEN 'OBSERVED_ABSENT'
            WHEN i.held THEN 'HELD'
            WHEN i.unclear OR (i.touched AND i.left_over) OR c.case_id IN (SELECT u.case_id FROM unseen u) THEN 'UNKNOWN'
            WHEN i.touched THEN 'DELETE_ACCEPTED'
            ELSE 'PLANNED' END AS state
FROM claim c
LEFT JOIN item i USING (case_id)
ORDER BY c.case_id
