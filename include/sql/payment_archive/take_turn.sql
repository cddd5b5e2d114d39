-- Waits for a removal that is being committed: after this, whatever an earlier run still does has no effect.
UPDATE lifecycle.archive_turn SET run_id = %(run_id)s, changed_at = clock_timestamp()
