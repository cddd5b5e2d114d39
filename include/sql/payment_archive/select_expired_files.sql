-- Files whose last promise has ended, those that a plan is about to abandon included, with the held orders they may hold that
-- no held file restates for them yet.
SELECT f.file_id, f.kind, f.last_end, f.content_digest, f.rows, f.current_at IS NULL AS abandoned,
       array(SELECT h.order_id FROM (SELECT DISTINCT order_id FROM studio.effective_order_hold) AS h
             WHERE h.order_id COLLATE "C" BETWEEN f.min_order_id AND f.max_order_id
               AND NOT EXISTS (SELECT FROM lifecycle.archive_superseded s
                               JOIN lifecycle.archive_file b ON b.file_id = s.by_file_id
                               WHERE s.file_id = f.file_id AND b.kind = 'held' AND b.order_id = h.order_id AND b.state = 'current')
             ORDER BY h.order_id) AS held_orders
FROM lifecycle.archive_file f
WHERE f.state NOT IN ('planned', 'absent') AND f.object_key IS NOT NULL AND f.last_end <= %(as_of)s
