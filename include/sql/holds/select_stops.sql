-- Of these items, to be let go, those that a hold covers again: asked right before the requests.
WITH RECURSIVE lineage AS (
    SELECT i.item_id, i.object_key, u.upload_id, u.derived_from
    FROM lifecycle.hold_item i
    LEFT JOIN studio.uploads u ON u.object_key = i.object_key
    WHERE i.item_id = ANY (%(item_ids)s::bigint[])
    UNION
    SELECT g.item_id, g.object_key, u.upload_id, u.derived_from
    FROM lineage g JOIN studio.uploads u ON u.upload_id = g.derived_from
)
SELECT g.item_id FROM lineage g JOIN studio.hold_in_force h USING (upload_id)
UNION
SELECT g.item_id
FROM lineage g
JOIN studio.order_uploads l ON l.order_id = split_part(g.object_key, '/', 2)
JOIN studio.hold_in_force h ON h.upload_id = l.upload_id
WHERE g.upload_id IS NULL
