UPDATE lifecycle.archive_file SET state = 'current', current_at = clock_timestamp()
WHERE file_id = %(file_id)s AND run_id = %(run_id)s AND state = 'stored'
