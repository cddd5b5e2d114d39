-- Not proven, not within a stated residual, and the deadline is near or over.
SELECT erasure_id, case_id, vendor, state, code, deadline_at, deadline_at <= %(as_of)s AS overdue
FROM lifecycle.vendor_watch
WHERE NOT settled AND NOT held AND alert_at <= %(as_of)s
ORDER BY deadline_at, erasure_id
