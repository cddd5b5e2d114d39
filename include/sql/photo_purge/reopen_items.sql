-- The store said yes, the observer still sees it: back to be erased once more.
UPDATE lifecycle.item i
SET state = 'planned', changed_at = clock_timestamp()
FROM lifecycle.observation o, lifecycle.erasure_case c
WHERE o.item_id = i.item_id AND o.run_id = %(run_id)s AND o.outcome = 'present' AND o.disposition = 'erase'
  AND o.round = (SELECT max(round) FROM lifecycle.observation WHERE run_id = %(run_id)s)
  AND c.case_id = i.case_id AND c.run_id = i.run_id AND c.epoch = i.epoch AND i.state = 'accepted'
