UPDATE lifecycle.archive_file
SET state = 'stored', version_id = %(version_id)s, locked_until = %(locked_until)s, sha256 = %(sha256)s, bytes = %(bytes)s,
    stored_at = clock_timestamp()
WHERE file_id = %(file_id)s AND run_id = %(run_id)s AND state = 'intended'
