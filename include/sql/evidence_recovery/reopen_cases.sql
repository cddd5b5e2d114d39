-- Cases of which the log does not say, or no longer says, that they are absent; one open case an order.
UPDATE lifecycle.erasure_case c
SET state = 'open', epoch = c.epoch + 1, closed_at = NULL, closed_lsn = NULL, commitments_root = NULL
WHERE c.case_id = ANY (%(case_ids)s::uuid[]) AND c.state = 'absent'
  AND NOT EXISTS (SELECT FROM lifecycle.erasure_case d
                  WHERE d.pipeline = c.pipeline AND d.order_id = c.order_id AND d.state = 'open')
RETURNING c.case_id, c.order_id
