-- Without this mark no step erases anything for the run, whatever calls it.
UPDATE lifecycle.run SET released_at = clock_timestamp() WHERE run_id = %(run_id)s AND NOT dry_run
