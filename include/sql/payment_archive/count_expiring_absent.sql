-- Seen absent by the latest look, and still not closed.
SELECT count(*) AS files FROM lifecycle.archive_seen s JOIN lifecycle.archive_file f USING (file_id)
WHERE s.expected = 'absent' AND s.outcome = 'absent' AND f.state = 'expiring'
