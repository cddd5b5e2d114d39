-- What assertions look at. The run is chosen by the session setting lifecycle.run_id, so that a suite names plain tables.
CREATE VIEW lifecycle.checked AS
    SELECT o.run_id, o.subject, o.disposition, o.kind, o.outcome, o.case_id, o.item_id,
           coalesce(i.state = 'stopped', false) AS stopped
    FROM lifecycle.observation o
    LEFT JOIN lifecycle.item i USING (item_id)
    WHERE o.run_id = current_setting('lifecycle.run_id')::bigint
      AND o.round = (SELECT max(round) FROM lifecycle.observation WHERE run_id = current_setting('lifecycle.run_id')::bigint);
COMMENT ON VIEW lifecycle.checked IS 'Latest observation of the session''s run, without keys.';

CREATE VIEW lifecycle.checked_erasure AS
    SELECT run_id, subject, kind, outcome FROM lifecycle.checked
    WHERE (disposition = 'erase' OR subject = 'survivor') AND NOT stopped;
COMMENT ON VIEW lifecycle.checked_erasure IS 'Of that, all that had to be gone; what a hold or a reopening stopped meanwhile had not.';

-- Items erased although, at that moment, an order still had a right to them.
CREATE VIEW lifecycle.touched_undue AS
    SELECT i.run_id, i.item_id
    FROM lifecycle.item i
    JOIN lifecycle.erasure_case c USING (case_id)
    JOIN lifecycle.run r ON r.run_id = i.run_id
    JOIN studio.orders o ON o.order_id = c.order_id
    WHERE i.state = 'accepted' AND i.kind <> 'nothing'
      AND (c.start_at > r.as_of
           OR i.disposition <> 'erase'
           OR (c.reason = 'terminal' AND o.reopened_at > c.anchor_at AND o.reopened_at <= i.changed_at)
           OR (c.reason = 'inactivity' AND o.last_activity_at > c.anchor_at AND o.last_activity_at <= i.changed_at)
           OR c.reason <> 'request' AND EXISTS (
                      WITH RECURSIVE lineage AS (
                          SELECT i.upload_id
                          UNION
                          SELECT u.derived_from FROM lineage g JOIN studio.uploads u ON u.upload_id = g.upload_id
                          WHERE u.derived_from IS NOT NULL)
                      SELECT FROM lineage g
                      JOIN studio.order_uploads s ON s.upload_id = g.upload_id AND s.order_id <> c.order_id
                      JOIN studio.orders other ON other.order_id = s.order_id AND other.photo_state = 'present'
                      WHERE NOT EXISTS (SELECT FROM lifecycle.erasure_case d
                                        WHERE d.order_id = s.order_id
                                          -- A later run may have taken the case over since.
                                          AND (d.run_id = i.run_id OR (d.run_id > i.run_id AND d.opened_at <= i.changed_at))
                                          AND (d.reason <> 'terminal' OR other.reopened_at IS NULL
                                               OR other.reopened_at <= d.anchor_at OR other.reopened_at > i.changed_at))));
COMMENT ON VIEW lifecycle.touched_undue IS 'Must be empty: erased, though not due, or shared with an order that is not.';

CREATE VIEW lifecycle.balance AS
    WITH items AS (
        SELECT count(*) FILTER (WHERE disposition IN ('erase', 'hold')) AS eligible,
               count(*) FILTER (WHERE disposition = 'erase' AND state = 'accepted') AS acted,
               count(*) FILTER (WHERE disposition = 'hold' OR state = 'stopped') AS held,
               count(*) FILTER (WHERE disposition = 'erase' AND state IN ('failed', 'unknown')) AS failed,
               count(*) AS sealed,
               coalesce(sum(bytes) FILTER (WHERE disposition = 'erase' AND state = 'accepted'), 0)::bigint AS acted_bytes
        FROM lifecycle.item WHERE run_id = current_setting('lifecycle.run_id')::bigint
    ), seen AS (
        SELECT count(*) AS checked,
               count(*) FILTER (WHERE subject = 'item') AS checked_items,
               count(*) FILTER (WHERE outcome = 'present' AND (subject = 'survivor' OR disposition = 'erase')
                                  AND NOT stopped) AS survivors,
               count(*) FILTER (WHERE outcome = 'unknown') AS unknown,
               count(*) FILTER (WHERE subject = 'item' AND disposition IN ('hold', 'keep') AND kind <> 'nothing'
                                  AND outcome = 'absent') AS kept_missing,
               count(*) FILTER (WHERE subject = 'canary') AS canaries,
               count(*) FILTER (WHERE subject = 'canary' AND outcome <> 'present') AS canaries_missing
        FROM lifecycle.checked
    ), swept AS (
        SELECT count(*) AS swept_buckets, coalesce(sum(listed), 0)::bigint AS swept_entries,
               coalesce(sum(overdue), 0)::bigint AS overdue, coalesce(sum(orphans), 0)::bigint AS orphans,
               coalesce(sum(aged_orphans), 0)::bigint AS aged_orphans,
               count(*) FILTER (WHERE canaries = 0) AS swept_blind
        FROM lifecycle.sweep
        WHERE run_id = current_setting('lifecycle.run_id')::bigint
          AND round = (SELECT max(round) FROM lifecycle.sweep WHERE run_id = current_setting('lifecycle.run_id')::bigint)
    ), undue AS (
        SELECT count(*) AS touched_undue FROM lifecycle.touched_undue
        WHERE run_id = current_setting('lifecycle.run_id')::bigint
    ), planned AS (
        SELECT coalesce((facts ->> 'unlisted_cases')::bigint, 0) AS unlisted FROM lifecycle.run
        WHERE run_id = current_setting('lifecycle.run_id')::bigint
    )
    SELECT items.*, eligible - acted - held - failed AS unbalanced, seen.*, sealed - checked_items AS unchecked,
           swept.*, undue.*, planned.*
    FROM items, seen, swept, undue, planned;
COMMENT ON VIEW lifecycle.balance IS 'One row: the books of the session''s run.';

CREATE VIEW lifecycle.run_summary AS
    SELECT r.run_id, r.pipeline, r.dag_run_id, r.attempt, r.as_of, r.dry_run, r.policy_version, r.state, r.planned_at,
           r.finished_at, r.manifest_sha256, r.facts AS planned, e.evidence_id, e.outcome, e.signed_at, e.stored_at,
           (convert_from(decode((convert_from(e.envelope, 'UTF8')::jsonb) ->> 'payload', 'base64'), 'UTF8')::jsonb)
               #> '{predicate,counts}' AS counts
    FROM lifecycle.run r
    LEFT JOIN LATERAL (SELECT * FROM lifecycle.evidence WHERE run_id = r.run_id ORDER BY sequence DESC LIMIT 1) e ON true;
COMMENT ON VIEW lifecycle.run_summary IS 'Each run with its latest statement, for people.';
