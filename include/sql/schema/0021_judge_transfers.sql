-- What a judgement needs to know of an act of sending. Null is unknown, and unknown is denied.
ALTER TABLE studio.disclosures
    ALTER COLUMN destination_country DROP NOT NULL,
    ADD COLUMN origin_country   char(2) CHECK (origin_country ~ '^[A-Z]{2}$'),
    ADD COLUMN access_countries text[] CHECK (array_to_string(access_countries, ' ') ~ '^([A-Z]{2}( [A-Z]{2})*)?$'),
    ADD COLUMN sub_processors   text[],
    ADD COLUMN transport        text;
COMMENT ON COLUMN studio.disclosures.destination_country IS 'Where it was sent; null is unknown. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN studio.disclosures.origin_country IS 'Country of the person when it was sent; null is unknown. Unit: ISO 3166-1 alpha-2. Category: user.contact.address.country.';
COMMENT ON COLUMN studio.disclosures.access_countries IS 'From where the recipient can look at it, apart from where it was sent; null is unknown. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN studio.disclosures.sub_processors IS 'To whom the recipient passes it on; empty for nobody, null is unknown. Unit: none. Category: none.';
COMMENT ON COLUMN studio.disclosures.transport IS 'Protocol it was sent by, as negotiated; null is unknown. Unit: TLS version. Category: none.';

CREATE TABLE lifecycle.transfer_rule (
    rule      text PRIMARY KEY CHECK (rule ~ '^T\d\d$'),
    clause    text NOT NULL,
    applies   text NOT NULL CHECK (applies IN ('always', 'abroad', 'abroad from CN')),
    requires  text NOT NULL,
    violation text NOT NULL
);
COMMENT ON TABLE lifecycle.transfer_rule IS 'The rules a disclosure must keep, all of them (policy 4 and 8). A rule that nothing evaluates is broken.';
COMMENT ON COLUMN lifecycle.transfer_rule.rule IS 'Identifier. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_rule.clause IS 'Clause of the policy. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_rule.applies IS 'To which disclosures: always, abroad, abroad from CN. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_rule.requires IS 'What must be the case. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_rule.violation IS 'What is wrong if it is not. Unit: none. Category: none.';
INSERT INTO lifecycle.transfer_rule VALUES
    ('T01', '8', 'abroad', 'origin, destination, access countries and sub-processors are known', 'destination, access country or sub-processor unknown'),
    ('T02', '4.3', 'always', 'the recipient is in the register and its contract is valid', 'recipient not in the register, or no valid contract'),
    ('T03', '4.3', 'always', 'category and purpose are in the contract', 'category or purpose outside the contract'),
    ('T04', '8', 'abroad', 'a transfer mechanism for every country is in force', 'no transfer mechanism in force'),
    ('T05', '8', 'abroad', 'where adequacy is partial, the recipient is covered by it', 'partial adequacy, recipient not covered'),
    ('T06', '8', 'abroad', 'clauses relied on have the right module, are signed, and the impact assessment is positive and current', 'clauses of the wrong module, unsigned, or without a positive and current impact assessment'),
    ('T07', '8', 'abroad from CN', 'notice, impact assessment, separate consent and the route for the yearly volume are there', 'notice, impact assessment, separate consent or route for the yearly volume missing'),
    ('T08', '8', 'abroad', 'TLS was used, and evidence of TLS, encryption and access control is current', 'TLS, encryption or access evidence missing or stale'),
    ('T09', '8', 'abroad', 'explicit consent to this recipient, category and purpose, under the notice in force', 'explicit consent absent, bundled, withdrawn, later, or for another recipient or notice'),
    ('T10', '7', 'always', 'the person is not a minor', 'the person is a minor'),
    ('T11', '4.3', 'abroad', 'countries and sub-processors are those that the contract declares', 'undeclared onward transfer');

-- Sealed before its run is written, and by the million: no foreign key.
CREATE TABLE lifecycle.transfer_item (
    run_id        bigint NOT NULL,
    disclosure_id uuid NOT NULL,
    supersedes    bigint
);
-- Written in the order of runs and only read by run: an index of a few pages finds a run among any number.
CREATE INDEX transfer_item_run ON lifecycle.transfer_item USING brin (run_id) WITH (pages_per_range = 16);
COMMENT ON TABLE lifecycle.transfer_item IS 'What a run was to judge.';
COMMENT ON COLUMN lifecycle.transfer_item.run_id IS 'Plan it was sealed in. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_item.disclosure_id IS 'The disclosure. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_item.supersedes IS 'Its verdict so far, if it is judged again. Unit: none. Category: none.';

CREATE TABLE lifecycle.situation (
    situation_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id              bigint NOT NULL REFERENCES lifecycle.run,
    key                 bigint NOT NULL,
    register_sha256     text NOT NULL REFERENCES lifecycle.register_version,
    reference_sha256    text NOT NULL REFERENCES lifecycle.reference_version,
    vendor              text NOT NULL,
    data_category       text NOT NULL,
    purpose             text NOT NULL,
    origin_country      text,
    destination_country text,
    access_countries    text[],
    sub_processors      text[],
    transport           text,
    minor               boolean NOT NULL,
    explicit_consent    boolean NOT NULL,
    separate_consent    boolean NOT NULL,
    volume_level        integer NOT NULL,
    since               timestamptz NOT NULL,
    disclosures         bigint NOT NULL CHECK (disclosures > 0),
    cross_border        boolean NOT NULL,
    broken              text[] NOT NULL,
    allowed             boolean NOT NULL GENERATED ALWAYS AS (cardinality(broken) = 0) STORED,
    rules               jsonb NOT NULL,
    judged_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (run_id, key)
);
COMMENT ON TABLE lifecycle.situation IS 'Disclosures that are alike in everything that a rule looks at get one judgement; it says rule by rule why.';
COMMENT ON COLUMN lifecycle.situation.situation_id IS 'Running number. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.situation.run_id IS 'The run that judged. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.situation.key IS 'Hash of everything that a rule looks at. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.situation.register_sha256 IS 'Register judged with. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.situation.reference_sha256 IS 'Reference lists judged with. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.situation.vendor IS 'Recipient. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.situation.data_category IS 'What was sent. Unit: fideslang key. Category: none.';
COMMENT ON COLUMN lifecycle.situation.purpose IS 'What for. Unit: fideslang data use. Category: none.';
COMMENT ON COLUMN lifecycle.situation.origin_country IS 'From. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN lifecycle.situation.destination_country IS 'To. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN lifecycle.situation.access_countries IS 'Also looked at from. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN lifecycle.situation.sub_processors IS 'Passed on to. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.situation.transport IS 'Protocol. Unit: TLS version. Category: none.';
COMMENT ON COLUMN lifecycle.situation.minor IS 'Whether the person is a minor. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.situation.explicit_consent IS 'Whether explicit consent stood at sending. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.situation.separate_consent IS 'Whether it was a separate one. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.situation.volume_level IS 'What the yearly volume from CN asked for then: 0 nothing, 1 standard contract or certification, 2 security assessment. Unit: level. Category: none.';
COMMENT ON COLUMN lifecycle.situation.since IS 'Latest moment, not after sending, at which anything that counts changed. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.situation.disclosures IS 'How many disclosures it is about. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.situation.cross_border IS 'Whether it crossed a border; what is unknown did. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.situation.broken IS 'All rules that were not kept. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.situation.allowed IS 'Whether none was broken. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.situation.rules IS 'Rule by rule: whether it applies, whether it was kept, and the facts with dates and sources. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.situation.judged_at IS 'When it was judged. Unit: UTC instant. Category: none.';

-- No foreign keys: to check a million of them costs more than to judge, and both sides are append-only.
CREATE TABLE lifecycle.verdict (
    verdict_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    disclosure_id uuid NOT NULL,
    situation_id  bigint NOT NULL,
    supersedes    bigint
);
CREATE UNIQUE INDEX verdict_first ON lifecycle.verdict (disclosure_id) WHERE supersedes IS NULL;
CREATE UNIQUE INDEX verdict_superseded ON lifecycle.verdict (supersedes) WHERE supersedes IS NOT NULL;
CREATE INDEX verdict_later ON lifecycle.verdict (disclosure_id) WHERE supersedes IS NOT NULL;
COMMENT ON TABLE lifecycle.verdict IS 'One judgement of one disclosure, as of its sending. Never changed: with corrected data a new one supersedes it.';
COMMENT ON COLUMN lifecycle.verdict.verdict_id IS 'Running number. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.verdict.disclosure_id IS 'The disclosure. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.verdict.situation_id IS 'What was judged and how. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.verdict.supersedes IS 'The verdict it takes the place of, null for the first. Unit: none. Category: none.';

CREATE VIEW lifecycle.current_verdict AS
    SELECT v.verdict_id, v.disclosure_id, v.supersedes, s.situation_id, s.run_id, s.register_sha256, s.reference_sha256, s.vendor,
           s.allowed, s.broken, s.cross_border, s.judged_at
    FROM lifecycle.verdict v JOIN lifecycle.situation s USING (situation_id)
    WHERE NOT EXISTS (SELECT FROM lifecycle.verdict later WHERE later.supersedes = v.verdict_id);
COMMENT ON VIEW lifecycle.current_verdict IS 'The verdict that holds for each disclosure judged so far.';

-- Positive controls: a small world of its own, long ago, whose verdicts are known. Judged in the same pass as all else.
CREATE TABLE lifecycle.transfer_canary (
    disclosure_id       uuid PRIMARY KEY,
    name                text NOT NULL UNIQUE,
    customer_id         uuid NOT NULL,
    is_minor            boolean NOT NULL,
    vendor              text NOT NULL,
    data_category       text NOT NULL,
    purpose             text NOT NULL,
    origin_country      text,
    destination_country text,
    access_countries    text[],
    sub_processors      text[],
    transport           text,
    sent_at             timestamptz NOT NULL,
    expected            text[] NOT NULL
);
COMMENT ON TABLE lifecycle.transfer_canary IS 'Invented disclosures whose verdicts are known: a run that judges one otherwise proves nothing.';
COMMENT ON COLUMN lifecycle.transfer_canary.disclosure_id IS 'Stands for a disclosure. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary.name IS 'What it shows. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary.customer_id IS 'Stands for a person; nobody. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.transfer_canary.is_minor IS 'As of a customer. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary.vendor IS 'Recipient in the canaries'' register. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary.data_category IS 'As of a disclosure. Unit: fideslang key. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary.purpose IS 'As of a disclosure. Unit: fideslang data use. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary.origin_country IS 'As of a disclosure. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary.destination_country IS 'As of a disclosure. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary.access_countries IS 'As of a disclosure. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary.sub_processors IS 'As of a disclosure. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary.transport IS 'As of a disclosure. Unit: TLS version. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary.sent_at IS 'As of a disclosure. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary.expected IS 'The rules that it breaks. Unit: none. Category: none.';

CREATE TABLE lifecycle.transfer_canary_consent (
    customer_id   uuid NOT NULL,
    vendor        text NOT NULL,
    data_category text NOT NULL,
    purpose       text NOT NULL,
    consent_type  text NOT NULL,
    given_at      timestamptz NOT NULL,
    withdrawn_at  timestamptz
);
COMMENT ON TABLE lifecycle.transfer_canary_consent IS 'Consents of the canaries'' people.';
COMMENT ON COLUMN lifecycle.transfer_canary_consent.customer_id IS 'Stands for a person; nobody. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.transfer_canary_consent.vendor IS 'Recipient. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary_consent.data_category IS 'As of a consent. Unit: fideslang key. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary_consent.purpose IS 'As of a consent. Unit: fideslang data use. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary_consent.consent_type IS 'As of a consent. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary_consent.given_at IS 'As of a consent. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary_consent.withdrawn_at IS 'As of a consent. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.transfer_canary_verdict (
    run_id        bigint NOT NULL REFERENCES lifecycle.run,
    disclosure_id uuid NOT NULL REFERENCES lifecycle.transfer_canary,
    broken        text[] NOT NULL,
    PRIMARY KEY (run_id, disclosure_id)
);
COMMENT ON TABLE lifecycle.transfer_canary_verdict IS 'How each run judged the canaries.';
COMMENT ON COLUMN lifecycle.transfer_canary_verdict.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary_verdict.disclosure_id IS 'The canary. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.transfer_canary_verdict.broken IS 'The rules found broken. Unit: none. Category: none.';

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['transfer_item', 'situation', 'verdict', 'transfer_canary_verdict', 'transfer_rule', 'transfer_canary',
                                'transfer_canary_consent']
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change()', kept || '_append_only', kept);
    END LOOP;
END
$$;
