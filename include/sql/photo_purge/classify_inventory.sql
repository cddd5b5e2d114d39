-- Every entry of the buckets, judged on its own: canary, held, overdue, owned or orphan. A recorded file belongs to all
-- orders that use it or what it was made from, and is overdue when all of them are or a person asked it back; one that no
-- order uses belongs to the order its folder names. Of the rules that have reached a file, by the version under which it
-- was given, the earliest deadline counts; a hold that was in force when that passed moves it to some hours after the
-- hold's end, as in the plan, also for what lies unrecorded beside the held file. `unclaimed`: each of its orders was done
-- with, or is being done with by this very run, which did not keep it.
CREATE TEMPORARY TABLE judged ON COMMIT DROP AS
WITH RECURSIVE terms AS (
    SELECT * FROM unnest(%(kinds)s::text[], %(eras)s::integer[], %(ended)s::boolean[], %(idle)s::interval[], %(durations)s::interval[],
                         %(not_before)s::timestamptz[], %(time_zones)s::text[])
        AS t (category, era, ended, idle, duration, not_before, time_zone)
), keys AS (
    SELECT DISTINCT object_key, split_part(object_key, '/', 2) AS folder
    FROM inventory WHERE object_key LIKE 'orders/%%/%%'
), sources AS (
    SELECT k.object_key, k.folder, u.upload_id, u.derived_from, u.uploaded_at, coalesce(u.category, '') AS category
    FROM keys k LEFT JOIN studio.uploads u USING (object_key)
), lineage AS (
    SELECT object_key, upload_id, derived_from, uploaded_at FROM sources WHERE upload_id IS NOT NULL
    UNION
    SELECT g.object_key, u.upload_id, u.derived_from, u.uploaded_at
    FROM lineage g JOIN studio.uploads u ON u.upload_id = g.derived_from
), given AS (
    SELECT object_key, width_bucket(min(uploaded_at), %(begun)s::timestamptz[]) AS era FROM lineage GROUP BY object_key
), linked AS (
    SELECT DISTINCT g.object_key, l.order_id FROM lineage g JOIN studio.order_uploads l USING (upload_id)
), strays AS (
    SELECT s.object_key, s.folder FROM sources s
    WHERE NOT EXISTS (SELECT FROM linked l WHERE l.object_key = s.object_key)
), owners AS (
    SELECT l.object_key, l.order_id, g.era FROM linked l JOIN given g USING (object_key)
    UNION ALL
    SELECT object_key, folder, -1 FROM strays  -- as old as the order
), recorded_hold AS (
    SELECT DISTINCT g.object_key FROM lineage g JOIN studio.effective_hold h USING (upload_id)
), held AS (
    SELECT object_key FROM recorded_hold
    UNION
    SELECT s.object_key FROM strays s
    WHERE s.folder IN (SELECT l.order_id FROM studio.order_uploads l JOIN studio.effective_hold h USING (upload_id)
                       UNION SELECT l.order_id FROM linked l JOIN recorded_hold USING (object_key))
), released AS (
    SELECT g.object_key, r.begun_at, r.ended_at FROM lineage g JOIN studio.released_hold r USING (upload_id)
), past AS (
    SELECT object_key, begun_at, ended_at,
           row_number() OVER (PARTITION BY object_key ORDER BY begun_at, ended_at) AS number
    FROM (SELECT object_key, begun_at, ended_at FROM released
          UNION
          SELECT s.object_key, r.begun_at, r.ended_at
          FROM strays s
          JOIN studio.order_uploads l ON l.order_id = s.folder
          JOIN studio.released_hold r USING (upload_id)
          UNION
          SELECT s.object_key, r.begun_at, r.ended_at
          FROM strays s JOIN linked l ON l.order_id = s.folder JOIN released r ON r.object_key = l.object_key) AS span
), kept AS (
    SELECT DISTINCT object_key FROM lifecycle.item WHERE run_id = %(run_id)s AND disposition = 'keep'
), wanted AS (
    SELECT DISTINCT w.order_id, s.category, w.era FROM owners w JOIN sources s USING (object_key)
), clocks AS (
    SELECT o.order_id, q.category, q.era, o.photo_state <> 'present' AS done,
           EXISTS (SELECT FROM lifecycle.erasure_case c
                   WHERE c.run_id = %(run_id)s AND c.order_id = o.order_id AND c.state = 'open') AS claimed,
           o.erase_requested_at + %(request)s::interval AS asked_until,
           coalesce(o.terminal_at, o.last_activity_at + t.idle) AS anchor, t.duration, t.not_before, t.time_zone
    FROM wanted q
    JOIN studio.orders o USING (order_id)
    JOIN terms t
      ON t.category = q.category AND t.ended = (o.terminal_at IS NOT NULL)
     AND t.era = CASE WHEN q.era < 0 THEN width_bucket(o.created_at, %(begun)s::timestamptz[]) ELSE q.era END
), deadlines AS (
    SELECT c.order_id, c.category, c.era, c.done, c.claimed, c.asked_until,
           least(min(greatest(
               least(c.anchor + c.duration,
                     -- Local days. The server reads a time that a clock change skips as the later of its two instants: the
                     -- earlier one counts. Of one that occurs twice the first is the elapsed time above.
                     plain.instant - greatest((plain.instant AT TIME ZONE c.time_zone) - wall.clock, interval '0')),
               c.not_before)), c.asked_until) AS deadline
    FROM clocks c
    CROSS JOIN LATERAL (SELECT (c.anchor AT TIME ZONE c.time_zone) + c.duration AS clock) AS wall
    CROSS JOIN LATERAL (SELECT wall.clock AT TIME ZONE c.time_zone AS instant) AS plain
    GROUP BY c.order_id, c.category, c.era, c.done, c.claimed, c.asked_until
), verdict AS (
    SELECT w.object_key, array_agg(d.order_id) AS owners, least(max(d.deadline), min(d.asked_until)) AS deadline,
           bool_and(d.done OR (d.claimed AND k.object_key IS NULL)) AS unclaimed
    FROM owners w
    JOIN sources s USING (object_key)
    JOIN deadlines d USING (order_id, category, era)
    LEFT JOIN kept k USING (object_key)
    GROUP BY w.object_key
), moved AS (
    SELECT v.object_key, v.deadline, 0::bigint AS number FROM verdict v WHERE v.object_key IN (SELECT p.object_key FROM past p)
    UNION ALL
    SELECT m.object_key,
           CASE WHEN p.begun_at <= m.deadline AND m.deadline < p.ended_at + %(after_hold)s::interval
                THEN p.ended_at + %(after_hold)s::interval ELSE m.deadline END,
           p.number
    FROM moved m JOIN past p ON p.object_key = m.object_key AND p.number = m.number + 1
), after_holds AS (
    SELECT object_key, max(deadline) AS deadline FROM moved GROUP BY object_key  -- it only ever moves to later
)
SELECT i.bucket, i.kind, i.last_modified, v.owners, v.unclaimed,
       CASE WHEN i.object_key LIKE 'canary/%%' THEN 'canary'
            WHEN h.object_key IS NOT NULL THEN 'held'
            WHEN v.object_key IS NULL THEN 'orphan'
            WHEN coalesce(a.deadline, v.deadline) <= %(as_of)s THEN 'overdue'
            ELSE 'owned' END AS verdict
FROM inventory i
LEFT JOIN verdict v USING (object_key)
LEFT JOIN after_holds a USING (object_key)
LEFT JOIN held h USING (object_key)
