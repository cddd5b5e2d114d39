SELECT count(*) AS files FROM lifecycle.archive_seen WHERE expected = 'absent' AND outcome = 'absent'
