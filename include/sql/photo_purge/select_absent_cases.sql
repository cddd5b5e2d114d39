-- Cases proven absent: each sealed item was observed absent, nothing survived, nothing is held or unknown, and the sweep
-- found nothing else of the order. What a person asked to erase is not absent while another order keeps it, and nothing is
-- while a vendor's copy of it is neither verified to be gone nor within a stated residual.
SELECT c.case_id
FROM lifecycle.erasure_case c
WHERE c.run_id = %(run_id)s AND c.state = 'open'
  AND NOT EXISTS (SELECT FROM lifecycle.item i
                  WHERE i.case_id = c.case_id AND i.run_id = c.run_id
                    AND (i.epoch <> c.epoch OR i.disposition = 'hold' OR (i.disposition = 'keep' AND c.reason = 'request')
                         OR (i.disposition = 'erase' AND i.state <> 'accepted')))
  -- Sets that are made once: joined row by row, what was just observed (no statistics yet) would cost its square.
  AND NOT EXISTS (SELECT FROM lifecycle.item i
                  WHERE i.case_id = c.case_id AND i.run_id = c.run_id AND i.disposition = 'erase'
                    AND i.item_id NOT IN (SELECT k.item_id FROM lifecycle.checked k
                                          WHERE k.item_id IS NOT NULL
                                          GROUP BY k.item_id HAVING bool_and(k.outcome = 'absent')))
  AND c.case_id NOT IN (SELECT k.case_id FROM lifecycle.checked k
                        WHERE k.subject = 'survivor' AND k.case_id IS NOT NULL)
  AND NOT EXISTS (SELECT FROM lifecycle.resurfaced r WHERE r.order_id = c.order_id AND r.run_id = c.run_id)
  AND c.case_id NOT IN (SELECT k.case_id FROM lifecycle.vendor_copy k WHERE k.run_id = %(run_id)s AND NOT k.settled)
