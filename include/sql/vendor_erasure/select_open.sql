-- Erasures that something is to be done about as of this moment.
SELECT erasure_id, case_id, vendor, part, state, idempotency_key, epoch
FROM lifecycle.vendor_erasure
WHERE next_poll_at <= %(as_of)s AND state <> 'verified'
ORDER BY erasure_id
