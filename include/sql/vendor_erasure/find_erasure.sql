SELECT e.erasure_id, e.vendor, e.connector, e.mode, e.confirms, e.max_residual, e.idempotency_key, e.state, e.reference, e.attempts,
       e.epoch, e.planned_at, e.submitted_at, e.accepted_at, e.completed_at, e.sight,
       (SELECT max(s.sent_at) FROM lifecycle.vendor_subject s WHERE s.erasure_id = e.erasure_id) AS last_sent
FROM lifecycle.vendor_erasure e
WHERE e.erasure_id = %(erasure_id)s
