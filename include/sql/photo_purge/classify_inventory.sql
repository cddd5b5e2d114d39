-- Every entry of the buckets, judged on its own: canary, held, overdue, owned or orphan. A recorded file belongs to all its
-- orders and is overdue only when all of them are; an unrecorded one belongs to the order its folder names.
CREATE TEMPORARY TABLE judged ON COMMIT DROP AS
WITH keys AS (
    SELECT DISTINCT object_key, split_part(object_key, '/', 2) AS folder FROM inventory WHERE object_key LIKE 'orders/%%'
), sources AS (
    SELECT k.object_key, k.folder, u.upload_id, coalesce(u.derived_from, u.upload_id) AS root_id
    FROM keys k LEFT JOIN studio.uploads u USING (object_key)
), owners AS (
    SELECT s.object_key, l.order_id
    FROM sources s JOIN studio.order_uploads l ON l.upload_id IN (s.upload_id, s.root_id)
    UNION
    SELECT s.object_key, s.folder FROM sources s WHERE s.upload_id IS NULL
), held AS (
    SELECT s.object_key FROM sources s JOIN studio.effective_hold h ON h.upload_id IN (s.upload_id, s.root_id)
    UNION
    SELECT s.object_key FROM sources s
    JOIN studio.order_uploads l ON l.order_id = s.folder
    JOIN studio.effective_hold h ON h.upload_id = l.upload_id
    WHERE s.upload_id IS NULL
), verdict AS (
    SELECT w.object_key,
           bool_or(o.order_id IS NOT NULL) AS known,
           coalesce(bool_and(least(
               o.terminal_at + %(duration)s::interval,
               ((o.terminal_at AT TIME ZONE %(time_zone)s) + %(calendar)s::interval) AT TIME ZONE %(time_zone)s,
               o.erase_requested_at + %(request)s::interval,
               CASE WHEN o.terminal_at IS NULL THEN o.last_activity_at + %(inactivity)s::interval + %(duration)s::interval END
           ) <= %(as_of)s) FILTER (WHERE o.order_id IS NOT NULL), false) AS overdue
    FROM owners w LEFT JOIN studio.orders o USING (order_id)
    GROUP BY w.object_key
)
SELECT i.bucket, i.kind, i.last_modified, split_part(i.object_key, '/', 2) AS folder,
       CASE WHEN i.object_key LIKE 'canary/%%' THEN 'canary'
            WHEN NOT coalesce(v.known, false) THEN 'orphan'
            WHEN h.object_key IS NOT NULL THEN 'held'
            WHEN v.overdue THEN 'overdue'
            ELSE 'owned' END AS verdict
FROM inventory i
LEFT JOIN verdict v USING (object_key)
LEFT JOIN held h USING (object_key)
