-- What the store once accepted stays accepted: a worker that wakes up late, in its own run too, overwrites nothing.
UPDATE lifecycle.item i
SET state = d.state, code = d.code, changed_at = clock_timestamp()
FROM unnest(%(item_ids)s::bigint[], %(states)s::text[], %(codes)s::text[]) AS d (item_id, state, code),
     lifecycle.erasure_case c
WHERE i.item_id = d.item_id AND c.case_id = i.case_id AND c.run_id = %(run_id)s AND c.epoch = i.epoch
  AND c.state = 'open' AND i.state <> 'accepted'
