-- What cases commit to. A closed one: what was observed absent. An open one: what the run that holds it found eligible.
SELECT c.case_id, c.order_id, i.bucket, i.object_key, i.kind, i.version_id
FROM lifecycle.erasure_case c
JOIN lifecycle.closed_item k USING (case_id)
JOIN lifecycle.item i USING (item_id)
WHERE c.case_id = ANY (%(case_ids)s::uuid[]) AND c.state = 'absent'
UNION
SELECT c.case_id, c.order_id, i.bucket, i.object_key, i.kind, i.version_id
FROM lifecycle.erasure_case c
JOIN lifecycle.item i ON i.case_id = c.case_id AND i.run_id = c.run_id AND i.epoch = c.epoch
WHERE c.case_id = ANY (%(case_ids)s::uuid[]) AND c.state = 'open' AND i.disposition IN ('erase', 'hold')
