UPDATE lifecycle.archive_file SET state = 'abandoned'
WHERE file_id = %(file_id)s AND state IN ('planned', 'intended', 'stored')
