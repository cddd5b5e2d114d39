-- Cases of a run that wait for vendors, the overdue ones first.
SELECT case_id, vendor, deadline_at, overdue, copies, state
FROM lifecycle.vendor_waiting
WHERE run_id = %(run_id)s
ORDER BY overdue DESC, deadline_at, case_id, vendor
