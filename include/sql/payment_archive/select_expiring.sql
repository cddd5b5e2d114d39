-- What this run planned to erase and still may: a file of whose orders one is held, and not restated, stays.
SELECT f.file_id, f.kind, f.state, f.object_key, f.version_id, f.last_end, f.first_end,
       EXISTS (SELECT FROM studio.effective_order_hold h
               WHERE h.order_id COLLATE "C" BETWEEN f.min_order_id AND f.max_order_id AND f.current_at IS NOT NULL
                 AND NOT EXISTS (SELECT FROM lifecycle.archive_superseded s
                                 JOIN lifecycle.archive_file b ON b.file_id = s.by_file_id
                                 WHERE s.file_id = f.file_id AND b.kind = 'held' AND b.order_id = h.order_id
                                   AND b.state = 'current')
                 AND NOT EXISTS (SELECT FROM lifecycle.archive_file e
                                 WHERE e.run_id = x.run_id AND e.kind = 'held' AND e.order_id = h.order_id
                                   AND e.state = 'abandoned' AND e.object_key IS NULL)) AS held
FROM lifecycle.archive_expiry x
JOIN lifecycle.archive_file f USING (file_id)
WHERE x.run_id = %(run_id)s AND f.state IN ('current', 'abandoned', 'expiring')
  AND f.last_end <= %(as_of)s AND f.last_end <= clock_timestamp()
ORDER BY f.file_id
