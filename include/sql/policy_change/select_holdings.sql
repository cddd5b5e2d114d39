-- Recorded files that were there at a moment, each with the orders that it has to outlast: those that may still need it,
-- or all that used it. A derivative is as old, as held and as shared as what it was made from.
WITH RECURSIVE there AS (
    SELECT upload_id, category, bytes, derived_from, uploaded_at
    FROM studio.uploads
    WHERE uploaded_at <= %(as_of)s AND (absent_at IS NULL OR absent_at > %(as_of)s)
), lineage AS (
    SELECT upload_id, upload_id AS ancestor_id, derived_from, uploaded_at FROM there
    UNION
    SELECT g.upload_id, u.upload_id, u.derived_from, u.uploaded_at
    FROM lineage g JOIN studio.uploads u ON u.upload_id = g.derived_from
), fate AS (
    SELECT g.upload_id, min(g.uploaded_at) AS collected_at, bool_or(h.upload_id IS NOT NULL) AS held,
           array_agg(DISTINCT s.order_id) FILTER (WHERE o.photo_state = 'present') AS present_orders,
           array_agg(DISTINCT s.order_id) FILTER (WHERE s.order_id IS NOT NULL) AS orders
    FROM lineage g
    LEFT JOIN studio.order_uploads s ON s.upload_id = g.ancestor_id
    LEFT JOIN studio.orders o USING (order_id)
    LEFT JOIN studio.effective_hold h ON h.upload_id = g.ancestor_id
    GROUP BY g.upload_id
)
SELECT t.upload_id, t.category, t.bytes, f.collected_at, f.held, coalesce(f.present_orders, f.orders, '{}') AS order_ids
FROM there t JOIN fate f USING (upload_id)
