-- Which of the given keys belong to a recorded file that an order uses, or that is held: those are judged with their own
-- orders, never as strays. A row that nothing links to says nothing about whose file it is: the folder does.
SELECT k.object_key
FROM unnest(%(keys)s::text[]) AS k (object_key)
WHERE EXISTS (
    WITH RECURSIVE lineage AS (
        SELECT u.upload_id, u.derived_from FROM studio.uploads u WHERE u.object_key = k.object_key
        UNION
        SELECT p.upload_id, p.derived_from FROM lineage g JOIN studio.uploads p ON p.upload_id = g.derived_from
    )
    SELECT FROM lineage g
    WHERE EXISTS (SELECT FROM studio.order_uploads l WHERE l.upload_id = g.upload_id)
       OR EXISTS (SELECT FROM studio.effective_hold h WHERE h.upload_id = g.upload_id))
