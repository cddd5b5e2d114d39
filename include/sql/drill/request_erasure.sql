-- Some open orders with files of their own, whose customers ask that they be erased.
UPDATE studio.orders o
SET erase_requested_at = clock_timestamp()
WHERE o.order_id IN (
    SELECT p.order_id
    FROM studio.orders p
    WHERE p.photo_state = 'present' AND p.terminal_at IS NULL AND p.erase_requested_at IS NULL
      AND EXISTS (SELECT FROM studio.order_uploads l JOIN studio.uploads u USING (upload_id)
                  WHERE l.order_id = p.order_id AND u.absent_at IS NULL)
      AND NOT EXISTS (SELECT FROM lifecycle.erasure_case c WHERE c.order_id = p.order_id)
      AND NOT EXISTS (SELECT FROM studio.order_uploads l JOIN studio.effective_hold h USING (upload_id) WHERE l.order_id = p.order_id)
      AND NOT EXISTS (SELECT FROM studio.order_uploads l JOIN studio.order_uploads s USING (upload_id)
                      WHERE l.order_id = p.order_id AND s.order_id <> p.order_id)
    ORDER BY p.order_id
    LIMIT %(orders)s)
RETURNING o.order_id
