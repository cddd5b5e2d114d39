-- Only what the latest look of this run saw absent, by a look that found its canary.
UPDATE lifecycle.archive_file f SET state = 'absent', closed_at = clock_timestamp()
FROM lifecycle.archive_seen s
WHERE s.file_id = f.file_id AND s.expected = 'absent' AND s.outcome = 'absent' AND f.state = 'expiring'
RETURNING f.file_id, f.closed_at > f.first_end + %(erase_within)s AS late
