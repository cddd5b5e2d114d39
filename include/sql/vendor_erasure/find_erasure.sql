SELECT erasure_id, vendor, connector, mode, confirms, max_residual, idempotency_key, state, reference, attempts, epoch, planned_at,
       submitted_at, accepted_at, completed_at
FROM lifecycle.vendor_erasure
WHERE erasure_id = %(erasure_id)s
