-- What was known when something was judged: versions of the vendor register and of the dated reference lists, each under
-- the digest of its files. Kept for ever: a verdict names the versions it was made with.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'transfer_judge') THEN
        CREATE ROLE transfer_judge NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
    EXECUTE format('ALTER ROLE transfer_judge IN DATABASE %I SET TimeZone = ''UTC''', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO transfer_judge', current_database());
END
$$;

CREATE FUNCTION lifecycle.holds(since timestamptz, until timestamptz, at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT since <= at AND (until IS NULL OR at < until) $$;
COMMENT ON FUNCTION lifecycle.holds(timestamptz, timestamptz, timestamptz) IS 'Whether something in force from since (included) until until (not included, null for no end) holds at a moment; null if since is unknown.';

CREATE TABLE lifecycle.reference_version (
    reference_sha256 text PRIMARY KEY,
    entries          integer NOT NULL CHECK (entries > 0),
    loaded_at        timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lifecycle.reference_version IS 'Versions of the reference lists that were ever used.';
COMMENT ON COLUMN lifecycle.reference_version.reference_sha256 IS 'Digest of all files of the version. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.reference_version.entries IS 'Entries it has: fewer in the table than that, and it must not be used. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.reference_version.loaded_at IS 'When it was first used. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.reference_list (
    reference_sha256 text NOT NULL REFERENCES lifecycle.reference_version,
    list             text NOT NULL,
    oldest_source    date NOT NULL,
    stale_from       timestamptz NOT NULL,
    PRIMARY KEY (reference_sha256, list)
);
COMMENT ON TABLE lifecycle.reference_list IS 'Each list of a version and how long it may be relied on.';
COMMENT ON COLUMN lifecycle.reference_list.reference_sha256 IS 'Version. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.reference_list.list IS 'Name of the list, that of its file. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.reference_list.oldest_source IS 'Oldest date at which one of its entries was compared with its source. Unit: calendar day. Category: none.';
COMMENT ON COLUMN lifecycle.reference_list.stale_from IS 'When its review period is over: a check that uses it then fails. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.reference_entry (
    reference_sha256 text NOT NULL REFERENCES lifecycle.reference_version,
    list             text NOT NULL,
    regime           text NOT NULL,
    code             text NOT NULL,
    scope            text NOT NULL CHECK (scope IN ('full', 'partial', 'org')),
    condition        text NOT NULL,
    instrument       text NOT NULL,
    in_force_from    timestamptz NOT NULL,
    in_force_until   timestamptz CHECK (in_force_until > in_force_from),
    status           text NOT NULL CHECK (status IN ('in_force', 'withdrawn')),
    source           text NOT NULL,
    source_date      date NOT NULL,
    reviewed_by      text NOT NULL,
    PRIMARY KEY (reference_sha256, list, regime, code, in_force_from)
);
COMMENT ON TABLE lifecycle.reference_entry IS 'Entries of the reference lists: which country or organisation is recognised by which law, since when, on which source.';
COMMENT ON COLUMN lifecycle.reference_entry.reference_sha256 IS 'Version. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.reference_entry.list IS 'List: adequacy, eea, origins, dpf, routes, sensitive. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.reference_entry.regime IS 'Law that recognises: EU, UK, CH, CN. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.reference_entry.code IS 'What is recognised: a country, an organisation, a data category, a route. Unit: see list. Category: none.';
COMMENT ON COLUMN lifecycle.reference_entry.scope IS 'full, partial (see condition) or org (an organisation, not a country). Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.reference_entry.condition IS 'What a recipient must be to be covered, or from how many people on a route is needed; empty for nothing. Unit: see list. Category: none.';
COMMENT ON COLUMN lifecycle.reference_entry.instrument IS 'The legal instrument. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.reference_entry.in_force_from IS 'First moment. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.reference_entry.in_force_until IS 'Moment from which it is no longer in force, null for no end. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.reference_entry.status IS 'in_force, or withdrawn: annulled from the beginning for our purposes. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.reference_entry.source IS 'Where that was read. Unit: URL or citation. Category: none.';
COMMENT ON COLUMN lifecycle.reference_entry.source_date IS 'When it was read there. Unit: calendar day. Category: none.';
COMMENT ON COLUMN lifecycle.reference_entry.reviewed_by IS 'Function of who read it. Unit: none. Category: none.';

CREATE TABLE lifecycle.register_version (
    register_sha256 text PRIMARY KEY,
    vendors         integer NOT NULL CHECK (vendors > 0),
    loaded_at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lifecycle.register_version IS 'Versions of the vendor register that were ever used.';
COMMENT ON COLUMN lifecycle.register_version.register_sha256 IS 'Digest of the register''s file. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.register_version.vendors IS 'Vendors it lists: fewer in the table than that, and it must not be used. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.register_version.loaded_at IS 'When it was first used. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.vendor (
    register_sha256      text NOT NULL REFERENCES lifecycle.register_version,
    vendor               text NOT NULL,
    name                 text NOT NULL,
    kind                 text NOT NULL CHECK (kind IN ('payment', 'email', 'cloud', 'ai')),
    role                 text NOT NULL CHECK (role IN ('processor', 'controller')),
    clause               text NOT NULL,
    services             text[] NOT NULL,
    subjects             text[] NOT NULL,
    retention            text NOT NULL,
    erasure_connector    text NOT NULL,
    erasure_mode         text NOT NULL CHECK (erasure_mode IN ('sync', 'async', 'ttl_only', 'manual')),
    erasure_confirms     text NOT NULL CHECK (erasure_confirms IN ('none', 'accepted', 'completed', 'verified')),
    erasure_max_residual interval NOT NULL,
    reviewed_on          date NOT NULL,
    review_due_on        date NOT NULL,
    PRIMARY KEY (register_sha256, vendor)
);
COMMENT ON TABLE lifecycle.vendor IS 'Vendors of a version of the register (policy 4.3).';
COMMENT ON COLUMN lifecycle.vendor.register_sha256 IS 'Version. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.vendor.vendor IS 'Identifier, as disclosures name it. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor.name IS 'Name of the company. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor.kind IS 'Kind of provider of policy 4.3. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor.role IS 'processor, or controller in its own right. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor.clause IS 'Clause that allows it. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor.services IS 'What it does for the studio. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor.subjects IS 'Whose data. Unit: fideslang data subjects. Category: none.';
COMMENT ON COLUMN lifecycle.vendor.retention IS 'How long it keeps what it got unless told otherwise. Unit: ISO 8601 duration. Category: none.';
COMMENT ON COLUMN lifecycle.vendor.erasure_connector IS 'How erasure is asked for. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor.erasure_mode IS 'sync, async, ttl_only or manual. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor.erasure_confirms IS 'The most that its answer can prove: none, accepted, completed, verified. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor.erasure_max_residual IS 'How long something may remain after erasure, by its own statement. Unit: elapsed time. Category: none.';
COMMENT ON COLUMN lifecycle.vendor.reviewed_on IS 'When it was last reviewed. Unit: calendar day. Category: none.';
COMMENT ON COLUMN lifecycle.vendor.review_due_on IS 'When the next review is due. Unit: calendar day. Category: none.';

CREATE TABLE lifecycle.vendor_contract (
    register_sha256   text NOT NULL,
    vendor            text NOT NULL,
    contract          text NOT NULL,
    valid_from        timestamptz NOT NULL,
    valid_until       timestamptz CHECK (valid_until > valid_from),
    data_categories   text[] NOT NULL,
    purposes          text[] NOT NULL,
    storage_countries text[] NOT NULL,
    access_countries  text[] NOT NULL,
    PRIMARY KEY (register_sha256, vendor, contract),
    FOREIGN KEY (register_sha256, vendor) REFERENCES lifecycle.vendor
);
COMMENT ON TABLE lifecycle.vendor_contract IS 'Contracts with a vendor, one at a time: what may be sent, what for, where to.';
COMMENT ON COLUMN lifecycle.vendor_contract.register_sha256 IS 'Version. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_contract.vendor IS 'Vendor. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_contract.contract IS 'Identifier of the contract. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_contract.valid_from IS 'First moment it is valid. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_contract.valid_until IS 'Moment from which it is not, null for no end. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_contract.data_categories IS 'What may be sent, each exactly: a parent does not open its children. Unit: fideslang keys. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_contract.purposes IS 'What for. Unit: fideslang data uses. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_contract.storage_countries IS 'Where it may be kept. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_contract.access_countries IS 'From where it may also be looked at. Unit: ISO 3166-1 alpha-2. Category: none.';

CREATE TABLE lifecycle.vendor_sub_processor (
    register_sha256 text NOT NULL,
    vendor          text NOT NULL,
    contract        text NOT NULL,
    name            text NOT NULL,
    service         text NOT NULL,
    countries       text[] NOT NULL,
    dpf_listing     text,
    declared_from   timestamptz NOT NULL,
    declared_until  timestamptz CHECK (declared_until > declared_from),
    PRIMARY KEY (register_sha256, vendor, contract, name, declared_from),
    FOREIGN KEY (register_sha256, vendor, contract) REFERENCES lifecycle.vendor_contract
);
COMMENT ON TABLE lifecycle.vendor_sub_processor IS 'Sub-processors that a contract declares.';
COMMENT ON COLUMN lifecycle.vendor_sub_processor.register_sha256 IS 'Version. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_sub_processor.vendor IS 'Vendor. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_sub_processor.contract IS 'Contract. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_sub_processor.name IS 'Identifier of the sub-processor, as disclosures name it. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_sub_processor.service IS 'What it does. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_sub_processor.countries IS 'Where. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_sub_processor.dpf_listing IS 'Its name on the Data Privacy Framework list, null if it is not on it. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_sub_processor.declared_from IS 'From when it is declared. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_sub_processor.declared_until IS 'Until when, null for no end. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.vendor_mechanism (
    register_sha256     text NOT NULL,
    vendor              text NOT NULL,
    contract            text NOT NULL,
    position            integer NOT NULL,
    mechanism           text NOT NULL CHECK (mechanism IN ('adequacy', 'scc', 'idta', 'dpf', 'pipl')),
    regimes             text[] NOT NULL,
    countries           text[] NOT NULL,
    covered_as          text,
    listing             text,
    module              text CHECK (module IN ('c2c', 'c2p', 'p2p', 'p2c')),
    signed_at           timestamptz,
    assessed_at         timestamptz,
    assessment_until    timestamptz,
    assessment_positive boolean,
    route               text CHECK (route IN ('exempt', 'standard_contract', 'certification', 'security_assessment')),
    route_from          timestamptz,
    route_until         timestamptz,
    notice_from         timestamptz,
    PRIMARY KEY (register_sha256, vendor, contract, position),
    FOREIGN KEY (register_sha256, vendor, contract) REFERENCES lifecycle.vendor_contract
);
COMMENT ON TABLE lifecycle.vendor_mechanism IS 'What a contract relies on to cross a border (policy 8).';
COMMENT ON COLUMN lifecycle.vendor_mechanism.register_sha256 IS 'Version. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.vendor IS 'Vendor. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.contract IS 'Contract. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.position IS 'Place among the contract''s mechanisms, from 0. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.mechanism IS 'adequacy, scc (standard contractual clauses), idta, dpf (Data Privacy Framework) or pipl. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.regimes IS 'Laws it serves: EU, UK, CH, CN. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.countries IS 'Countries it covers. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.covered_as IS 'What makes the vendor covered by a partial adequacy decision. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.listing IS 'The vendor''s name on the Data Privacy Framework list. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.module IS 'Module of the clauses: c2c, c2p, p2p, p2c. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.signed_at IS 'When both sides had signed the clauses, null if they have not. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.assessed_at IS 'When the impact assessment was made, null if there is none. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.assessment_until IS 'Until when it may be relied on. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.assessment_positive IS 'Whether it came out positive. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.route IS 'Route of the Chinese law. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.route_from IS 'From when the route is open: filed, certified or passed. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.route_until IS 'Until when, null for no end. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_mechanism.notice_from IS 'From when the notice names this recipient (PIPL 39), null if it does not. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.vendor_security (
    register_sha256 text NOT NULL,
    vendor          text NOT NULL,
    measure         text NOT NULL CHECK (measure IN ('tls', 'encryption', 'access')),
    evidence        text NOT NULL,
    dated           timestamptz NOT NULL,
    valid_until     timestamptz NOT NULL CHECK (valid_until > dated),
    PRIMARY KEY (register_sha256, vendor, measure, dated),
    FOREIGN KEY (register_sha256, vendor) REFERENCES lifecycle.vendor
);
COMMENT ON TABLE lifecycle.vendor_security IS 'Evidence of a vendor''s security measures (policy 3.3, 8).';
COMMENT ON COLUMN lifecycle.vendor_security.register_sha256 IS 'Version. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_security.vendor IS 'Vendor. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_security.measure IS 'tls, encryption (at rest) or access (control). Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_security.evidence IS 'Which document. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_security.dated IS 'Its date. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_security.valid_until IS 'From when it is stale. Unit: UTC instant. Category: none.';

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['reference_version', 'reference_list', 'reference_entry', 'register_version', 'vendor',
                                'vendor_contract', 'vendor_sub_processor', 'vendor_mechanism', 'vendor_security']
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change()', kept || '_append_only', kept);
        EXECUTE format('GRANT SELECT ON lifecycle.%I TO transfer_judge, studio_auditor, evidence_writer, reviewer', kept);
        EXECUTE format('GRANT INSERT ON lifecycle.%I TO transfer_judge', kept);
    END LOOP;
END
$$;
GRANT USAGE ON SCHEMA studio, lifecycle TO transfer_judge;
