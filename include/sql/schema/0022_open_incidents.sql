-- What follows from a violation: an incident that the breach pipeline takes up, and, if the policy says so, a suspension
-- that the studio's application obeys.
CREATE TABLE lifecycle.incident (
    incident_id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind          text NOT NULL CHECK (kind ~ '^[a-z]+(_[a-z]+)*$'),
    vendor        text NOT NULL,
    rule          text NOT NULL,
    clause        text NOT NULL,
    first_at      timestamptz NOT NULL,
    last_at       timestamptz NOT NULL CHECK (last_at >= first_at),
    disclosures   bigint NOT NULL CHECK (disclosures > 0),
    opened_run_id bigint NOT NULL REFERENCES lifecycle.run,
    last_run_id   bigint NOT NULL REFERENCES lifecycle.run,
    opened_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at     timestamptz,
    closed_by     text,
    outcome       text,
    CHECK ((closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (outcome IS NULL))
);
CREATE UNIQUE INDEX incident_open ON lifecycle.incident (kind, vendor, rule) WHERE closed_at IS NULL;
COMMENT ON TABLE lifecycle.incident IS 'Violations found, one open incident for each vendor and rule. Closed by a person, never by a pipeline.';
COMMENT ON COLUMN lifecycle.incident.incident_id IS 'Random name. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.incident.kind IS 'What happened: transfer_denied. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.incident.vendor IS 'Vendor concerned. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.incident.rule IS 'Rule broken. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.incident.clause IS 'Clause of the policy that it stands for. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.incident.first_at IS 'First disclosure concerned. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.incident.last_at IS 'Last disclosure concerned. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.incident.disclosures IS 'Disclosures concerned, as found by all runs. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.incident.opened_run_id IS 'Run that found the first. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.incident.last_run_id IS 'Run that found the last. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.incident.opened_at IS 'When it was opened: the studio knows since then. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.incident.closed_at IS 'When it was closed. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.incident.closed_by IS 'Function of who closed it. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.incident.outcome IS 'What came of it. Unit: none. Category: none.';

CREATE TABLE studio.vendor_suspension (
    suspension_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    vendor        text NOT NULL,
    since         timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason        text NOT NULL CHECK (reason <> ''),
    lifted_at     timestamptz CHECK (lifted_at >= since),
    lifted_by     text,
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);
CREATE UNIQUE INDEX vendor_suspension_stands ON studio.vendor_suspension (vendor) WHERE lifted_at IS NULL;
COMMENT ON TABLE studio.vendor_suspension IS 'Vendors to whom the application must send nothing while a row stands.';
COMMENT ON COLUMN studio.vendor_suspension.suspension_id IS 'Random name. Unit: none. Category: none.';
COMMENT ON COLUMN studio.vendor_suspension.vendor IS 'Vendor. Unit: none. Category: none.';
COMMENT ON COLUMN studio.vendor_suspension.since IS 'From when. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN studio.vendor_suspension.reason IS 'Rules that were broken, or why somebody suspended it. Unit: none. Category: none.';
COMMENT ON COLUMN studio.vendor_suspension.lifted_at IS 'When a person lifted it, null while it stands. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN studio.vendor_suspension.lifted_by IS 'Function of who lifted it. Unit: none. Category: none.';

-- What is judged, the canaries among it.
CREATE VIEW lifecycle.transfer_subject AS
    SELECT d.disclosure_id, false AS canary, o.customer_id, c.is_minor, d.vendor, d.data_category, d.purpose, d.origin_country::text,
           d.destination_country::text, d.access_countries, d.sub_processors, d.transport, d.sent_at
    FROM studio.disclosures d JOIN studio.orders o USING (order_id) JOIN studio.customers c USING (customer_id)
    UNION ALL
    SELECT disclosure_id, true, customer_id, is_minor, vendor, data_category, purpose, origin_country, destination_country,
           access_countries, sub_processors, transport, sent_at
    FROM lifecycle.transfer_canary;
COMMENT ON VIEW lifecycle.transfer_subject IS 'Every disclosure with what a judgement needs to know of the person, and every canary.';

-- One row: the books of the session's run.
CREATE VIEW lifecycle.transfer_balance AS
    WITH run AS (
        SELECT run_id, as_of, facts FROM lifecycle.run WHERE run_id = current_setting('lifecycle.run_id')::bigint
    ), item AS (
        SELECT i.disclosure_id, i.supersedes, v.situation_id
        FROM lifecycle.transfer_item i
        LEFT JOIN lifecycle.verdict v ON v.disclosure_id = i.disclosure_id AND v.supersedes IS NOT DISTINCT FROM i.supersedes
        WHERE i.run_id = current_setting('lifecycle.run_id')::bigint
    ), per AS (
        SELECT situation_id, count(*) AS items FROM item GROUP BY situation_id
    ), judged AS (
        SELECT coalesce(sum(p.items), 0)::bigint AS planned,
               coalesce(sum(p.items) FILTER (WHERE s.situation_id IS NOT NULL), 0)::bigint AS judged,
               coalesce(sum(p.items) FILTER (WHERE s.situation_id IS NULL), 0)::bigint AS unjudged,
               coalesce(sum(p.items) FILTER (WHERE s.allowed), 0)::bigint AS allowed,
               coalesce(sum(p.items) FILTER (WHERE NOT s.allowed), 0)::bigint AS denied,
               coalesce(sum(p.items) FILTER (WHERE s.cross_border), 0)::bigint AS cross_border,
               -- The coarsest look there is, past all tables of the judgement, must agree with it.
               coalesce(sum(p.items) FILTER (WHERE s.allowed AND (s.minor OR s.cross_border AND NOT s.explicit_consent
                   OR s.cross_border AND s.destination_country IS NULL
                   OR NOT EXISTS (SELECT FROM lifecycle.vendor v
                                  WHERE v.register_sha256 = s.register_sha256 AND v.vendor = s.vendor))), 0)::bigint AS contradicted
        FROM per p LEFT JOIN lifecycle.situation s USING (situation_id)
    ), canary AS (
        SELECT count(*) AS canaries,
               count(*) FILTER (WHERE v.broken IS DISTINCT FROM c.expected) AS canaries_wrong
        FROM lifecycle.transfer_canary c
        LEFT JOIN lifecycle.transfer_canary_verdict v
            ON v.disclosure_id = c.disclosure_id AND v.run_id = current_setting('lifecycle.run_id')::bigint
    ), stale AS (
        SELECT count(*) AS lists, count(*) FILTER (WHERE l.stale_from <= run.as_of) AS stale_lists
        FROM run JOIN lifecycle.reference_list l ON l.reference_sha256 = run.facts ->> 'reference_sha256'
    ), unopened AS (
        SELECT count(*) AS incidents_missing
        FROM (SELECT DISTINCT s.vendor, b.rule FROM per JOIN lifecycle.situation s USING (situation_id), unnest(s.broken) AS b (rule)) f
        WHERE NOT EXISTS (SELECT FROM lifecycle.incident i WHERE i.kind = 'transfer_denied' AND i.vendor = f.vendor AND i.rule = f.rule)
    ), known AS (
        SELECT count(*) AS known FROM (SELECT FROM lifecycle.verdict LIMIT 1) one
    )
    SELECT judged.*, canary.*, stale.*, unopened.*, known.known AS ever_judged FROM judged, canary, stale, unopened, known;
COMMENT ON VIEW lifecycle.transfer_balance IS 'One row: the books of the session''s run of the transfer check.';

-- Judges: reads what was sent, and of the person only what a rule asks; keeps verdicts. No name, no address, no file.
GRANT SELECT (disclosure_id, order_id, vendor, data_category, purpose, origin_country, destination_country, access_countries,
    sub_processors, transport, sent_at) ON studio.disclosures TO transfer_judge;
GRANT SELECT (order_id, customer_id) ON studio.orders TO transfer_judge;
GRANT SELECT (customer_id, country, is_minor) ON studio.customers TO transfer_judge;
GRANT SELECT ON studio.consents TO transfer_judge;
GRANT SELECT ON lifecycle.transfer_subject, lifecycle.transfer_rule, lifecycle.transfer_canary, lifecycle.transfer_canary_consent,
    lifecycle.current_verdict TO transfer_judge;
GRANT SELECT, INSERT ON lifecycle.run, lifecycle.transfer_item, lifecycle.situation, lifecycle.verdict, lifecycle.transfer_canary_verdict,
    lifecycle.incident TO transfer_judge;
GRANT UPDATE (released_at) ON lifecycle.run TO transfer_judge;
GRANT USAGE ON SEQUENCE lifecycle.run_run_id_seq TO transfer_judge;
GRANT MAINTAIN ON lifecycle.transfer_item TO transfer_judge;
GRANT UPDATE (first_at, last_at, disclosures, last_run_id) ON lifecycle.incident TO transfer_judge;
GRANT SELECT, INSERT (vendor, reason) ON studio.vendor_suspension TO transfer_judge;

GRANT SELECT ON studio.vendor_suspension, lifecycle.transfer_rule TO studio_app;
GRANT UPDATE (lifted_at, lifted_by) ON studio.vendor_suspension TO studio_app;

GRANT SELECT ON lifecycle.transfer_rule, lifecycle.transfer_item, lifecycle.situation, lifecycle.verdict, lifecycle.current_verdict,
    lifecycle.transfer_canary, lifecycle.transfer_canary_verdict, lifecycle.incident, lifecycle.transfer_balance,
    studio.vendor_suspension TO studio_auditor, evidence_writer;

-- A person closes an incident, with an outcome.
GRANT SELECT ON lifecycle.incident, lifecycle.transfer_rule, lifecycle.situation TO reviewer;
