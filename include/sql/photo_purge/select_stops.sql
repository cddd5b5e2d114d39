-- Cases of a batch that must not be touched now, whatever the plan said. Asked again before every request, of a manifest
-- that has no statistics yet: NOT IN makes its set once, where a join could be made row by row.
WITH RECURSIVE claim AS (
    SELECT c.case_id, c.order_id, c.batch, c.reason,
           CASE c.reason
               WHEN 'terminal' THEN o.terminal_at IS NULL OR o.terminal_at > c.anchor_at
               WHEN 'inactivity' THEN CASE WHEN o.terminal_at IS NULL THEN o.last_activity_at > %(inactive_before)s
                                           ELSE o.terminal_at > %(ended_before)s END
               ELSE o.erase_requested_at IS NULL
           END AS lapsed
    FROM lifecycle.erasure_case c
    JOIN studio.orders o USING (order_id)
    WHERE c.run_id = %(run_id)s
), doomed AS (
    SELECT DISTINCT i.case_id, c.order_id, i.object_key, i.upload_id
    FROM lifecycle.item i
    JOIN claim c USING (case_id)
    WHERE i.run_id = %(run_id)s AND c.batch = %(batch)s AND i.disposition = 'erase'
), lineage AS (
    SELECT case_id, upload_id FROM doomed WHERE upload_id IS NOT NULL
    UNION
    -- Unrecorded when it was sealed; somebody may have recorded it since.
    SELECT d.case_id, u.upload_id FROM doomed d JOIN studio.uploads u USING (object_key) WHERE d.upload_id IS NULL
    UNION
    SELECT g.case_id, made.derived_from
    FROM lineage g
    CROSS JOIN LATERAL (SELECT u.derived_from FROM studio.uploads u WHERE u.upload_id = g.upload_id OFFSET 0) AS made
    WHERE made.derived_from IS NOT NULL
)
SELECT case_id, 'paused' AS why FROM claim WHERE batch = %(batch)s AND lifecycle.is_paused()
UNION
SELECT case_id, 'reopened' FROM claim WHERE batch = %(batch)s AND lapsed
UNION
SELECT g.case_id, 'legal-hold' FROM lineage g JOIN studio.effective_hold h USING (upload_id)
UNION
-- Nobody can tell whether a stray in the folder of a held file belongs to it.
SELECT d.case_id, 'legal-hold'
FROM doomed d
JOIN studio.order_uploads l USING (order_id)
JOIN studio.effective_hold h ON h.upload_id = l.upload_id
WHERE d.upload_id IS NULL AND NOT EXISTS (SELECT FROM studio.uploads u WHERE u.object_key = d.object_key)
UNION
-- What a person asked back goes, whoever else uses it.
SELECT g.case_id, 'shared'
FROM lineage g
JOIN studio.order_uploads s USING (upload_id)
JOIN studio.orders other ON other.order_id = s.order_id AND other.photo_state = 'present'
WHERE g.case_id NOT IN (SELECT c.case_id FROM claim c WHERE c.reason = 'request')
  AND s.order_id NOT IN (SELECT c.order_id FROM claim c WHERE NOT c.lapsed)
