-- Files of the given orders with everything derived from them, however often. A derivative shares the orders and the holds
-- of all it was made from, and is as old as the oldest of it. The lateral look-ups keep the cost with what is due: never a scan of all files.
WITH RECURSIVE family AS (
    SELECT l.order_id, l.upload_id
    FROM unnest(%(order_ids)s::text[]) AS due (order_id)
    JOIN studio.order_uploads l USING (order_id)
    UNION
    SELECT f.order_id, child.upload_id
    FROM family f
    CROSS JOIN LATERAL (SELECT u.upload_id FROM studio.uploads u WHERE u.derived_from = f.upload_id OFFSET 0) AS child
), lineage AS (
    SELECT upload_id, upload_id AS ancestor_id FROM (SELECT DISTINCT upload_id FROM family) AS file
    UNION
    SELECT g.upload_id, made.derived_from
    FROM lineage g
    CROSS JOIN LATERAL (SELECT u.derived_from FROM studio.uploads u WHERE u.upload_id = g.ancestor_id OFFSET 0) AS made
    WHERE made.derived_from IS NOT NULL
), fate AS (
    SELECT g.upload_id,
           array_agg(DISTINCT sharer.order_id) FILTER (WHERE sharer.order_id IS NOT NULL) AS present_orders,
           bool_or(h.upload_id IS NOT NULL) AS held, min(given.uploaded_at) AS collected_at
    FROM lineage g
    CROSS JOIN LATERAL (SELECT u.uploaded_at FROM studio.uploads u WHERE u.upload_id = g.ancestor_id OFFSET 0) AS given
    LEFT JOIN studio.order_uploads s ON s.upload_id = g.ancestor_id
    LEFT JOIN studio.orders sharer ON sharer.order_id = s.order_id AND sharer.photo_state = 'present'
    LEFT JOIN studio.effective_hold h ON h.upload_id = g.ancestor_id
    GROUP BY g.upload_id
)
SELECT f.order_id, u.upload_id, u.category, u.bucket, u.object_key, u.bytes, u.derived_from IS NOT NULL AS derived,
       array_remove(fate.present_orders, f.order_id) || f.order_id AS present_orders, fate.held,
       fate.collected_at, u.absent_at IS NOT NULL AS absent,
       array(SELECT r.begun_at FROM lineage g JOIN studio.released_hold r ON r.upload_id = g.ancestor_id
             WHERE g.upload_id = u.upload_id ORDER BY r.hold_id, r.upload_id) AS holds_begun,
       array(SELECT r.ended_at FROM lineage g JOIN studio.released_hold r ON r.upload_id = g.ancestor_id
             WHERE g.upload_id = u.upload_id ORDER BY r.hold_id, r.upload_id) AS holds_ended
FROM family f
JOIN fate USING (upload_id)
JOIN studio.uploads u USING (upload_id)
