-- What the database still knows of the items of a case, so that an audit looks for them; the whole of it may be lost.
INSERT INTO lifecycle.closed_item (case_id, item_id)
SELECT DISTINCT ON (i.case_id, i.bucket, i.object_key, i.kind, i.version_id) i.case_id, i.item_id
FROM lifecycle.item i
WHERE i.case_id = ANY (%(case_ids)s::uuid[]) AND i.disposition = 'erase'
ORDER BY i.case_id, i.bucket, i.object_key, i.kind, i.version_id, i.item_id
ON CONFLICT DO NOTHING
