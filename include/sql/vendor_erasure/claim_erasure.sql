-- Noted before the vendor is called. Whoever else read the same epoch changes nothing any more.
UPDATE lifecycle.vendor_erasure
SET epoch = epoch + 1, attempts = attempts + 1, changed_at = clock_timestamp(),
    state = CASE WHEN %(submitting)s THEN 'submitted' ELSE state END,
    submitted_at = CASE WHEN %(submitting)s THEN coalesce(submitted_at, %(as_of)s) ELSE submitted_at END
WHERE erasure_id = %(erasure_id)s AND epoch = %(epoch)s
RETURNING epoch, submitted_at
