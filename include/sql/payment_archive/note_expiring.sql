UPDATE lifecycle.archive_file SET state = 'expiring'
WHERE file_id = ANY (%(file_ids)s::uuid[]) AND state IN ('current', 'abandoned') AND last_end <= clock_timestamp()
