UPDATE lifecycle.vendor_erasure
SET state = %(state)s, sight = coalesce(%(sight)s, sight), code = %(code)s, reference = coalesce(%(reference)s, reference),
    accepted_at = coalesce(accepted_at, %(accepted_at)s), completed_at = %(completed_at)s, verified_at = %(verified_at)s,
    residual_until = %(residual_until)s, next_poll_at = %(next_poll_at)s, epoch = epoch + 1, changed_at = clock_timestamp()
WHERE erasure_id = %(erasure_id)s AND epoch = %(epoch)s
