-- Erasures that wait for a person, the most urgent first.
SELECT erasure_id, case_id, vendor, state, code, confirms, planned_at, deadline_at, answers
FROM lifecycle.vendor_by_hand
ORDER BY deadline_at, erasure_id
