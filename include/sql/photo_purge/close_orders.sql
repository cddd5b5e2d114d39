-- An order is done with when every file of it is absent or lives on with another order; open again, it needs those too.
-- Asked back, nothing of it lives on: a run as of a moment before that, or a hold, may have left something.
UPDATE studio.orders o
SET photo_state = 'absent'
FROM lifecycle.erasure_case c
WHERE c.case_id = ANY (%(case_ids)s::uuid[]) AND o.order_id = c.order_id
  AND NOT EXISTS (
      SELECT FROM studio.order_uploads l
      JOIN studio.uploads u USING (upload_id)
      WHERE l.order_id = o.order_id AND u.absent_at IS NULL
        AND (o.erase_requested_at IS NOT NULL
             OR (c.reason = 'terminal' AND o.terminal_at IS NULL)
             OR NOT EXISTS (SELECT FROM studio.order_uploads s
                            JOIN studio.orders other ON other.order_id = s.order_id AND other.photo_state = 'present'
                            WHERE s.upload_id = u.upload_id AND s.order_id <> o.order_id
                              AND NOT other.order_id IN (SELECT d.order_id FROM lifecycle.erasure_case d
                                                         WHERE d.case_id = ANY (%(case_ids)s::uuid[])))))
