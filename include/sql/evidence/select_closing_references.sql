-- What cases commit to that are being closed.
SELECT c.case_id, c.order_id, i.bucket, i.object_key, i.kind, i.version_id
FROM lifecycle.closed_item k
JOIN lifecycle.erasure_case c USING (case_id)
JOIN lifecycle.item i USING (item_id)
WHERE k.case_id = ANY (%(case_ids)s::uuid[])
