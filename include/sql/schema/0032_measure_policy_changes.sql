-- A proposed version of the policy is measured before it takes effect: what it would make due when, counted by the plan
-- and counted again by the observer. Nothing is erased.
CREATE TABLE lifecycle.policy_impact (
    run_id   bigint NOT NULL REFERENCES lifecycle.run,
    category text NOT NULL CHECK (category IN ('personal_photo', 'style_reference')),
    side     text NOT NULL CHECK (side IN ('old', 'new')),
    due_on   date,
    objects  bigint NOT NULL CHECK (objects >= 0),
    bytes    bigint NOT NULL CHECK (bytes >= 0),
    UNIQUE NULLS NOT DISTINCT (run_id, category, side, due_on)
);
COMMENT ON TABLE lifecycle.policy_impact IS 'How many files become due on which day, by the versions there are and with the proposed one.';
COMMENT ON COLUMN lifecycle.policy_impact.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.policy_impact.category IS 'Kind of file. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.policy_impact.side IS 'old: by the versions there are; new: with the proposed one as well. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.policy_impact.due_on IS 'Day on which they may be erased, null for those without one: held, or of no order. Unit: UTC date. Category: none.';
COMMENT ON COLUMN lifecycle.policy_impact.objects IS 'Recorded files. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.policy_impact.bytes IS 'Size of their newest versions. Unit: bytes. Category: none.';

CREATE TABLE lifecycle.policy_sight (
    run_id      bigint NOT NULL REFERENCES lifecycle.run,
    round       integer NOT NULL CHECK (round > 0),
    category    text NOT NULL,
    objects     bigint NOT NULL,
    bytes       bigint NOT NULL,
    observed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, round, category)
);
COMMENT ON TABLE lifecycle.policy_sight IS 'How many files of each kind another role counted, as of the moment of the run.';
COMMENT ON COLUMN lifecycle.policy_sight.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.policy_sight.round IS 'How often was counted, from 1; the highest counts. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.policy_sight.category IS 'Kind of file. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.policy_sight.objects IS 'Recorded files. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.policy_sight.bytes IS 'Size of their newest versions. Unit: bytes. Category: none.';
COMMENT ON COLUMN lifecycle.policy_sight.observed_at IS 'When was counted. Unit: UTC instant. Category: none.';

CREATE VIEW lifecycle.policy_balance AS
    WITH run AS (
        SELECT current_setting('lifecycle.run_id')::bigint AS run_id
    ), planned AS (
        SELECT i.category, i.side, sum(i.objects) AS objects, sum(i.bytes) AS bytes
        FROM lifecycle.policy_impact i JOIN run USING (run_id) GROUP BY i.category, i.side
    ), seen AS (
        SELECT s.category, s.objects, s.bytes
        FROM lifecycle.policy_sight s JOIN run USING (run_id)
        WHERE s.round = (SELECT max(m.round) FROM lifecycle.policy_sight m JOIN run USING (run_id))
    ), compared AS (
        SELECT abs(coalesce(p.objects, 0) - coalesce(s.objects, 0)) AS objects, abs(coalesce(p.bytes, 0) - coalesce(s.bytes, 0)) AS bytes
        FROM (SELECT k.category, k.side, p.objects, p.bytes
              FROM (SELECT c.category, d.side FROM (SELECT category FROM planned UNION SELECT category FROM seen) AS c
                    CROSS JOIN (VALUES ('old'), ('new')) AS d (side)) AS k
              LEFT JOIN planned p USING (category, side)) AS p
        LEFT JOIN seen s USING (category)
    )
    SELECT coalesce((SELECT sum(objects) FROM planned WHERE side = 'new'), 0)::bigint AS planned,
           coalesce((SELECT sum(objects) FROM seen), 0)::bigint AS counted,
           coalesce((SELECT sum(bytes) FROM seen), 0)::bigint AS counted_bytes,
           coalesce((SELECT sum(objects) FROM compared), 0)::bigint AS unaccounted,
           coalesce((SELECT sum(bytes) FROM compared), 0)::bigint AS bytes_unaccounted,
           (SELECT count(*) FROM lifecycle.item i JOIN run USING (run_id))::bigint AS erased;
COMMENT ON VIEW lifecycle.policy_balance IS 'What the session''s run measured beside what the observer counted; it seals nothing that could be erased.';

CREATE VIEW studio.disclosed_upload AS
    SELECT DISTINCT vendor, upload_id FROM studio.disclosures WHERE upload_id IS NOT NULL;
COMMENT ON VIEW studio.disclosed_upload IS 'Which vendor got which file, without to whom it belongs.';
CREATE VIEW studio.people_concerned AS
    SELECT (SELECT count(*) FROM studio.customers) AS everybody,
           (SELECT count(DISTINCT o.customer_id) FROM studio.orders o WHERE o.photo_state = 'present') AS with_files,
           (SELECT count(DISTINCT o.customer_id) FROM studio.payments p JOIN studio.orders o USING (order_id)) AS with_payments,
           (SELECT count(*) FROM studio.payments) AS payments;
COMMENT ON VIEW studio.people_concerned IS 'How many people a change of the policy is to be told to, in numbers only.';
CREATE VIEW lifecycle.archive_lock AS
    SELECT last_end, locked_until, rows FROM lifecycle.archive_file WHERE state IN ('stored', 'current', 'expiring');
COMMENT ON VIEW lifecycle.archive_lock IS 'How long files of the archive are promised and locked.';

GRANT SELECT ON studio.disclosed_upload, studio.people_concerned, lifecycle.archive_lock TO studio_reader;
GRANT SELECT, INSERT ON lifecycle.policy_impact TO studio_reader;
GRANT SELECT, INSERT ON lifecycle.policy_sight TO studio_observer;
GRANT SELECT ON lifecycle.policy_impact, lifecycle.policy_sight, lifecycle.policy_balance TO studio_auditor, evidence_writer;
GRANT SELECT ON lifecycle.policy_impact, lifecycle.policy_sight TO reviewer;
