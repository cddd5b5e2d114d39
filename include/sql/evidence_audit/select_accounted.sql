-- Which entries came after the closing, and legitimately. Below a key that was erased: only with a row of its own that is as
-- young, not with the one that the case erased, which a restore may have brought back. Any other in the order's folder: it
-- is recorded, and judged with the orders that use it; or it has no row yet, in an order that is open again.
WITH found AS (
    SELECT f.number, f.case_id, f.object_key, f.sealed, f.modified, a.closed_at, c.order_id
    FROM unnest(%(numbers)s::integer[], %(case_ids)s::uuid[], %(keys)s::text[], %(sealed)s::boolean[], %(modified)s::timestamptz[])
         AS f (number, case_id, object_key, sealed, modified)
    JOIN lifecycle.audit_case a ON a.run_id = %(run_id)s AND a.case_id = f.case_id
    JOIN lifecycle.erasure_case c ON c.case_id = f.case_id
)
SELECT f.number
FROM found f
WHERE CASE WHEN f.sealed THEN
          f.modified > f.closed_at
          AND EXISTS (SELECT FROM studio.uploads u
                      WHERE u.object_key = f.object_key AND u.uploaded_at > f.closed_at AND u.absent_at IS NULL
                        AND NOT EXISTS (SELECT FROM lifecycle.closed_item k JOIN lifecycle.item i USING (item_id)
                                        WHERE k.case_id = f.case_id AND i.upload_id = u.upload_id)
                        AND EXISTS (SELECT FROM studio.order_uploads l WHERE l.upload_id = u.upload_id))
      ELSE
          EXISTS (
              WITH RECURSIVE lineage AS (
                  SELECT u.upload_id, u.derived_from FROM studio.uploads u WHERE u.object_key = f.object_key
                  UNION
                  SELECT p.upload_id, p.derived_from FROM lineage g JOIN studio.uploads p ON p.upload_id = g.derived_from
              )
              SELECT FROM lineage g
              WHERE EXISTS (SELECT FROM studio.order_uploads l WHERE l.upload_id = g.upload_id)
                 OR EXISTS (SELECT FROM studio.effective_hold h WHERE h.upload_id = g.upload_id))
          OR (f.modified > f.closed_at
              AND EXISTS (SELECT FROM studio.orders o
                          WHERE o.order_id = f.order_id AND o.terminal_at IS NULL
                            AND (o.reopened_at > f.closed_at OR o.last_activity_at > f.closed_at)))
      END
