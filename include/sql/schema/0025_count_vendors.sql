-- Who holds what about how many people: what was observed of each day's disclosures, kept for ever, run by run.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vendor_clerk') THEN
        CREATE ROLE vendor_clerk NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
    EXECUTE format('ALTER ROLE vendor_clerk IN DATABASE %I SET TimeZone = ''UTC''', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO vendor_clerk', current_database());
END
$$;

CREATE TABLE lifecycle.inventory (
    run_id          bigint PRIMARY KEY REFERENCES lifecycle.run,
    register_sha256 text NOT NULL REFERENCES lifecycle.register_version,
    previous_run_id bigint REFERENCES lifecycle.inventory CHECK (previous_run_id <> run_id),
    quiet_after     interval NOT NULL,
    observed_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lifecycle.inventory IS 'One look at everything ever sent to vendors, as of a run''s moment (policy 4, GDPR Art. 30).';
COMMENT ON COLUMN lifecycle.inventory.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory.register_sha256 IS 'Register compared with. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.inventory.previous_run_id IS 'Inventory it is compared with, null for the first. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory.quiet_after IS 'From how long on a vendor without traffic is named. Unit: elapsed time. Category: none.';
COMMENT ON COLUMN lifecycle.inventory.observed_at IS 'When was looked. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.inventory_vendor (
    run_id      bigint NOT NULL REFERENCES lifecycle.inventory,
    canary      boolean NOT NULL,
    vendor      text NOT NULL CHECK (vendor = '(no identifier)' OR vendor ~ '^[a-z][a-z0-9-]{1,40}$'),
    registered  boolean NOT NULL,
    disclosures bigint NOT NULL CHECK (disclosures >= 0),
    people      bigint NOT NULL CHECK (people >= 0),
    objects     bigint NOT NULL CHECK (objects >= 0),
    first_at    timestamptz,
    last_at     timestamptz,
    PRIMARY KEY (run_id, canary, vendor),
    CHECK ((disclosures = 0) = (first_at IS NULL) AND (disclosures = 0) = (last_at IS NULL))
);
COMMENT ON TABLE lifecycle.inventory_vendor IS 'Each vendor that is registered or got anything, in an inventory.';
COMMENT ON COLUMN lifecycle.inventory_vendor.run_id IS 'Inventory. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_vendor.canary IS 'Belongs to the canaries'' world. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_vendor.vendor IS 'Vendor. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_vendor.registered IS 'Whether the register lists it. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_vendor.disclosures IS 'Acts of sending. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_vendor.people IS 'Different people. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_vendor.objects IS 'Different files. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_vendor.first_at IS 'First sending, null if there was none. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_vendor.last_at IS 'Last sending. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.inventory_line (
    run_id        bigint NOT NULL REFERENCES lifecycle.inventory,
    canary        boolean NOT NULL,
    vendor        text NOT NULL CHECK (vendor = '(no identifier)' OR vendor ~ '^[a-z][a-z0-9-]{1,40}$'),
    data_category text NOT NULL CHECK (data_category = '(no key)' OR data_category ~ '^[a-z_]{2,40}(\.[a-z_]{2,40}){0,6}$'),
    country       text NOT NULL CHECK (country ~ '^([A-Z]{2}|unknown)$'),
    purposes      text[] NOT NULL,
    disclosures   bigint NOT NULL CHECK (disclosures > 0),
    people        bigint NOT NULL CHECK (people > 0),
    objects       bigint NOT NULL CHECK (objects >= 0),
    first_at      timestamptz NOT NULL,
    last_at       timestamptz NOT NULL CHECK (last_at >= first_at),
    PRIMARY KEY (run_id, canary, vendor, data_category, country)
);
COMMENT ON TABLE lifecycle.inventory_line IS 'What was observed per vendor, category and country.';
COMMENT ON COLUMN lifecycle.inventory_line.run_id IS 'Inventory. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_line.canary IS 'Belongs to the canaries'' world. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_line.vendor IS 'Vendor. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_line.data_category IS 'What was sent. Unit: fideslang key. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_line.country IS 'Where it was sent, "unknown" if nobody recorded it. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_line.purposes IS 'What for, sorted. Unit: fideslang data uses. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_line.disclosures IS 'Acts of sending. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_line.people IS 'Different people. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_line.objects IS 'Different files. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_line.first_at IS 'First sending. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_line.last_at IS 'Last sending. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.drift_kind (
    kind   text PRIMARY KEY CHECK (kind ~ '^[a-z]+(_[a-z]+)*$'),
    clause text NOT NULL,
    means  text NOT NULL
);
COMMENT ON TABLE lifecycle.drift_kind IS 'Ways in which what is observed can differ from what is registered.';
COMMENT ON COLUMN lifecycle.drift_kind.kind IS 'Name. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.drift_kind.clause IS 'Clause of the policy that it stands for. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.drift_kind.means IS 'What is the case then. Unit: none. Category: none.';
INSERT INTO lifecycle.drift_kind VALUES
    ('unlisted_vendor', '4.1', 'got data and is in no register'),
    ('contract_not_begun', '4.3', 'got data before its first contract began'),
    ('contract_expired', '4.3', 'got data after its contract had ended'),
    ('new_category', '4.3', 'got data of a category that its contract does not have'),
    ('purpose_outside_contract', '4.3', 'got data for a purpose that its contract does not have'),
    ('new_country', '8', 'data is kept in, or looked at from, a country that its contract does not have'),
    ('country_unknown', '8', 'nobody recorded where data is kept or from where it is looked at'),
    ('new_sub_processor', '4.3', 'passes data on to somebody whom its contract did not declare at that moment'),
    ('sub_processor_unknown', '4.3', 'nobody recorded to whom it passes data on'),
    ('no_traffic', '4.3', 'may receive data and has got none for long'),
    ('review_overdue', '4.3', 'its review is overdue');

CREATE TABLE lifecycle.inventory_drift (
    run_id      bigint NOT NULL REFERENCES lifecycle.inventory,
    canary      boolean NOT NULL,
    kind        text NOT NULL REFERENCES lifecycle.drift_kind,
    vendor      text NOT NULL CHECK (vendor = '(no identifier)' OR vendor ~ '^[a-z][a-z0-9-]{1,40}$'),
    subject     text NOT NULL CHECK (subject IN ('', '(no identifier)', '(no key)') OR subject ~ '^[A-Z]{2}$|^[a-z][a-z0-9_.-]{1,200}$'),
    contract    text NOT NULL,
    forbidden   boolean NOT NULL,
    disclosures bigint NOT NULL CHECK (disclosures >= 0),
    people      bigint NOT NULL CHECK (people >= 0),
    since       timestamptz NOT NULL,
    last_at     timestamptz CHECK (last_at >= since),
    PRIMARY KEY (run_id, canary, kind, vendor, subject, contract)
);
COMMENT ON TABLE lifecycle.inventory_drift IS 'What was found to differ, each once in an inventory.';
COMMENT ON COLUMN lifecycle.inventory_drift.run_id IS 'Inventory. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_drift.canary IS 'Belongs to the canaries'' world. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_drift.kind IS 'In which way. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_drift.vendor IS 'Vendor. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_drift.subject IS 'The category, purpose, country or sub-processor that differs; empty if it is the vendor itself. Unit: see kind. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_drift.contract IS 'Contract compared with: that of the moment of sending, or the nearest; empty for none. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_drift.forbidden IS 'The policy allows it to no vendor of this kind: no contract could cure it. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_drift.disclosures IS 'Acts of sending concerned. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_drift.people IS 'Different people concerned. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_drift.since IS 'First sending concerned, last traffic, or day on which the review was due. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_drift.last_at IS 'Last sending concerned, null if it is about none. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.inventory_document (
    run_id  bigint NOT NULL REFERENCES lifecycle.inventory,
    name    text NOT NULL CHECK (name ~ '^[a-z]+(-[a-z]+)*(\.[a-z]+)+$'),
    sha256  text NOT NULL CHECK (sha256 = encode(sha256(content), 'hex')),
    content bytea NOT NULL,
    PRIMARY KEY (run_id, name)
);
COMMENT ON TABLE lifecycle.inventory_document IS 'What an inventory was exported as, byte for byte, small counts coarsened.';
COMMENT ON COLUMN lifecycle.inventory_document.run_id IS 'Inventory. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_document.name IS 'File name. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_document.sha256 IS 'Digest of the content. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_document.content IS 'The file. Unit: bytes. Category: none.';

CREATE TABLE lifecycle.inventory_stored (
    run_id       bigint NOT NULL,
    name         text NOT NULL,
    object_name  text NOT NULL,
    version_id   text NOT NULL,
    locked_until timestamptz NOT NULL,
    stored_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, name),
    FOREIGN KEY (run_id, name) REFERENCES lifecycle.inventory_document
);
COMMENT ON TABLE lifecycle.inventory_stored IS 'Documents that lie in the locked bucket and were read back from there.';
COMMENT ON COLUMN lifecycle.inventory_stored.run_id IS 'Inventory. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_stored.name IS 'File name. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_stored.object_name IS 'Name in the bucket. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_stored.version_id IS 'Version there. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_stored.locked_until IS 'Until when the store refuses to delete it. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_stored.stored_at IS 'When it was read back. Unit: UTC instant. Category: none.';

-- Positive controls, in the transfer check's world of 2001: what was sent there, and what must be found.
CREATE TABLE lifecycle.inventory_canary (
    number           integer PRIMARY KEY,
    person           uuid NOT NULL,
    file             uuid,
    vendor           text NOT NULL,
    data_category    text NOT NULL,
    purpose          text NOT NULL,
    country          text,
    access_countries text[],
    sub_processors   text[],
    sent_at          timestamptz NOT NULL
);
COMMENT ON TABLE lifecycle.inventory_canary IS 'Invented disclosures that every inventory counts, apart from the others.';
COMMENT ON COLUMN lifecycle.inventory_canary.number IS 'Number. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_canary.person IS 'Stands for a person; nobody. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_canary.file IS 'Stands for a file. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_canary.vendor IS 'Recipient in the canaries'' register. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_canary.data_category IS 'As of a disclosure. Unit: fideslang key. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_canary.purpose IS 'As of a disclosure. Unit: fideslang data use. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_canary.country IS 'As of a disclosure. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_canary.access_countries IS 'As of a disclosure. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_canary.sub_processors IS 'As of a disclosure. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_canary.sent_at IS 'As of a disclosure. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.inventory_expected (
    kind        text NOT NULL,
    vendor      text NOT NULL CHECK (vendor = '(no identifier)' OR vendor ~ '^[a-z][a-z0-9-]{1,40}$'),
    subject     text NOT NULL CHECK (subject IN ('', '(no identifier)', '(no key)') OR subject ~ '^[A-Z]{2}$|^[a-z][a-z0-9_.-]{1,200}$'),
    country     text NOT NULL,
    disclosures bigint NOT NULL,
    people      bigint NOT NULL,
    objects     bigint NOT NULL,
    PRIMARY KEY (kind, vendor, subject, country)
);
COMMENT ON TABLE lifecycle.inventory_expected IS 'What an inventory must find among the canaries, no more and no less.';
COMMENT ON COLUMN lifecycle.inventory_expected.kind IS 'A kind of drift; "line" or "vendor" for counts. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_expected.vendor IS 'Vendor. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_expected.subject IS 'Subject of the drift, category of the line. Unit: see kind. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_expected.country IS 'Country of the line. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_expected.disclosures IS 'Acts of sending. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_expected.people IS 'Different people. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.inventory_expected.objects IS 'Different files; 0 for a drift. Unit: count. Category: none.';

-- What is counted, as it was recorded: names may be free text, and what keeps them makes sure that they are identifiers.
CREATE VIEW lifecycle.inventory_subject AS
    SELECT false AS canary, o.customer_id AS person, d.upload_id AS file, d.vendor, d.data_category, d.purpose,
           d.destination_country::text AS country, d.access_countries, d.sub_processors, d.sent_at
    FROM studio.disclosures d JOIN studio.orders o USING (order_id)
    UNION ALL
    SELECT true, person, file, vendor, data_category, purpose, country, access_countries, sub_processors, sent_at
    FROM lifecycle.inventory_canary;
COMMENT ON VIEW lifecycle.inventory_subject IS 'Every disclosure as an inventory counts it, and every canary.';

-- One row: the books of the session's run.
CREATE VIEW lifecycle.inventory_balance AS
    WITH run AS (
        SELECT r.run_id, (r.facts ->> 'disclosures')::bigint AS planned, i.register_sha256
        FROM lifecycle.run r LEFT JOIN lifecycle.inventory i USING (run_id)
        WHERE r.run_id = current_setting('lifecycle.run_id')::bigint
    ), line AS (
        SELECT l.* FROM lifecycle.inventory_line l JOIN run USING (run_id)
    ), vendor AS (
        SELECT v.* FROM lifecycle.inventory_vendor v JOIN run USING (run_id)
    ), drift AS (
        SELECT d.* FROM lifecycle.inventory_drift d JOIN run USING (run_id)
    ), found AS (
        SELECT 'line' AS kind, vendor, data_category AS subject, country, disclosures, people, objects FROM line WHERE canary
        UNION ALL SELECT 'vendor', vendor, '', '', disclosures, people, objects FROM vendor WHERE canary
        UNION ALL SELECT kind, vendor, subject, '', disclosures, people, 0 FROM drift WHERE canary
    ), wanted AS (
        SELECT kind, vendor, subject, country, disclosures, people, objects FROM lifecycle.inventory_expected
    ), wrong AS (
        (SELECT * FROM wanted EXCEPT SELECT * FROM found) UNION ALL (SELECT * FROM found EXCEPT SELECT * FROM wanted)
    ), counted AS (
        SELECT coalesce((SELECT sum(disclosures) FROM line WHERE NOT canary), 0)::bigint AS observed,
               coalesce((SELECT sum(disclosures) FROM vendor WHERE NOT canary), 0)::bigint AS by_vendor,
               (SELECT count(*) FROM line WHERE NOT canary) AS lines,
               (SELECT count(*) FROM vendor WHERE NOT canary) AS vendors,
               (SELECT count(*) FROM drift WHERE NOT canary) AS drift,
               (SELECT count(*) FROM found) AS canaries,
               (SELECT count(*) FROM wrong) AS canaries_wrong,
               -- People of a vendor cannot be fewer than those of one of its lines, nor more than in all of them together.
               (SELECT count(*) FROM vendor v
                WHERE v.disclosures > 0
                  AND NOT EXISTS (SELECT FROM line l WHERE (l.canary, l.vendor) = (v.canary, v.vendor)
                                  HAVING v.people BETWEEN max(l.people) AND sum(l.people) AND v.disclosures = sum(l.disclosures)
                                     AND v.first_at = min(l.first_at) AND v.last_at = max(l.last_at))) AS unbalanced,
               (SELECT count(*) FROM run JOIN lifecycle.vendor r USING (register_sha256)
                WHERE NOT EXISTS (SELECT FROM vendor v WHERE NOT v.canary AND v.vendor = r.vendor AND v.registered)) AS vendors_missing,
               -- The coarsest look there is, past the dates of contracts, must find no difference that has no name.
               (SELECT count(*) FROM run CROSS JOIN line l
                LEFT JOIN LATERAL (SELECT bool_or(l.data_category = ANY (c.data_categories)) AS category,
                                          bool_or(l.country = ANY (c.storage_countries)) AS country,
                                          (SELECT bool_and(EXISTS (SELECT FROM lifecycle.vendor_contract o
                                                                   WHERE o.register_sha256 = run.register_sha256 AND o.vendor = l.vendor
                                                                     AND p.purpose = ANY (o.purposes)))
                                           FROM unnest(l.purposes) AS p (purpose)) AS purpose
                                   FROM lifecycle.vendor_contract c
                                   WHERE c.register_sha256 = run.register_sha256 AND c.vendor = l.vendor
                                   HAVING count(*) > 0) AS c ON true
                WHERE NOT l.canary
                  AND (NOT EXISTS (SELECT FROM lifecycle.vendor v WHERE v.register_sha256 = run.register_sha256 AND v.vendor = l.vendor)
                       AND NOT EXISTS (SELECT FROM drift d WHERE NOT d.canary AND d.vendor = l.vendor AND d.kind = 'unlisted_vendor')
                    OR NOT c.category AND NOT EXISTS (SELECT FROM drift d WHERE NOT d.canary AND d.vendor = l.vendor
                                                      AND d.kind = 'new_category' AND d.subject = l.data_category)
                    OR NOT c.country AND NOT EXISTS (SELECT FROM drift d WHERE NOT d.canary AND d.vendor = l.vendor
                                                     AND d.kind IN ('new_country', 'country_unknown'))
                    OR NOT c.purpose AND NOT EXISTS (SELECT FROM drift d WHERE NOT d.canary AND d.vendor = l.vendor
                                                     AND d.kind = 'purpose_outside_contract'))) AS contradicted,
               (SELECT count(*) FROM lifecycle.inventory_document d JOIN run USING (run_id)) AS documents,
               (SELECT count(*) FROM lifecycle.inventory_document d JOIN run USING (run_id)
                LEFT JOIN lifecycle.inventory_stored s USING (run_id, name) WHERE s.name IS NULL) AS documents_missing
    )
    SELECT coalesce(run.planned, 0) AS planned, counted.*, greatest(run.planned - counted.observed, 0) AS lost FROM run, counted;
COMMENT ON VIEW lifecycle.inventory_balance IS 'One row: the books of the session''s inventory.';

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['inventory', 'inventory_vendor', 'inventory_line', 'inventory_drift', 'inventory_document',
                                'inventory_stored', 'drift_kind', 'inventory_canary', 'inventory_expected']
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change()', kept || '_append_only', kept);
        EXECUTE format('GRANT SELECT ON lifecycle.%I TO vendor_clerk, studio_auditor, evidence_writer', kept);
    END LOOP;
END
$$;

-- Counts: of a person it sees a number without a name, of a file another one; and no verdict, no consent, no payment.
GRANT USAGE ON SCHEMA studio, lifecycle TO vendor_clerk;
GRANT SELECT (order_id, vendor, data_category, purpose, destination_country, access_countries, sub_processors, upload_id, sent_at)
    ON studio.disclosures TO vendor_clerk;
GRANT SELECT (order_id, customer_id) ON studio.orders TO vendor_clerk;
GRANT SELECT, INSERT ON lifecycle.reference_version, lifecycle.reference_list, lifecycle.reference_entry, lifecycle.register_version,
    lifecycle.vendor, lifecycle.vendor_contract, lifecycle.vendor_sub_processor, lifecycle.vendor_mechanism, lifecycle.vendor_security
    TO vendor_clerk;
GRANT SELECT, INSERT ON lifecycle.run, lifecycle.inventory, lifecycle.inventory_vendor, lifecycle.inventory_line,
    lifecycle.inventory_drift, lifecycle.inventory_document TO vendor_clerk;
GRANT SELECT ON lifecycle.inventory_subject TO vendor_clerk;
GRANT UPDATE (released_at) ON lifecycle.run TO vendor_clerk;
GRANT USAGE ON SEQUENCE lifecycle.run_run_id_seq TO vendor_clerk;
GRANT INSERT ON lifecycle.inventory_stored TO evidence_writer;
GRANT SELECT ON lifecycle.inventory_balance TO studio_auditor, evidence_writer;
-- The reviewer reads what was exported, with small counts coarsened, and not the counts behind it.
GRANT SELECT ON lifecycle.inventory, lifecycle.inventory_document, lifecycle.inventory_stored, lifecycle.drift_kind TO reviewer;
