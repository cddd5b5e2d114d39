-- Files of the given orders with everything derived from them; a derivative shares the orders and holds of its source.
WITH RECURSIVE family AS (
    SELECT l.order_id, l.upload_id AS root_id, l.upload_id
    FROM unnest(%(order_ids)s::text[]) AS due (order_id)
    JOIN studio.order_uploads l USING (order_id)
    UNION
    SELECT f.order_id, f.root_id, child.upload_id
    FROM family f
    JOIN studio.uploads child ON child.derived_from = f.upload_id
)
SELECT f.order_id, u.upload_id, u.category, u.object_key, u.bytes, u.derived_from IS NOT NULL AS derived,
       array_agg(DISTINCT sharer.order_id) AS present_orders,
       bool_or(h.upload_id IS NOT NULL) AS held
FROM family f
JOIN studio.uploads u ON u.upload_id = f.upload_id
JOIN studio.order_uploads s ON s.upload_id IN (f.root_id, f.upload_id)
JOIN studio.orders sharer ON sharer.order_id = s.order_id
     AND (sharer.photo_state = 'present' OR sharer.order_id = f.order_id)
LEFT JOIN studio.effective_hold h ON h.upload_id IN (f.root_id, f.upload_id)
GROUP BY f.order_id, u.upload_id
