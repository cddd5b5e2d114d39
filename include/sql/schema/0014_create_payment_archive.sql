-- The archive's books. Records themselves are not listed here: they are in the vault's files, found by what a file covers.
DO $$
DECLARE
    duty text;
BEGIN
    FOREACH duty IN ARRAY ARRAY['payment_archiver', 'payment_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = duty) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', duty);
        END IF;
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET TimeZone = ''UTC''', duty, current_database());
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), duty);
    END LOOP;
END
$$;

ALTER TABLE studio.customers
    ADD COLUMN erase_requested_at timestamptz,
    ADD COLUMN pseudonymised_at timestamptz,
    ADD COLUMN payments_kept_until timestamptz;
COMMENT ON COLUMN studio.customers.erase_requested_at IS 'Verified request to erase everything about the person (policy 6.3). Unit: UTC instant. Category: user.behavior.';
COMMENT ON COLUMN studio.customers.pseudonymised_at IS 'When the payments were cut off from the person because of that request. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN studio.customers.payments_kept_until IS 'Until when the payments are kept at the latest (policy 3.2); null if there are none or one is not final. Unit: UTC instant. Category: user.financial.';
CREATE INDEX customers_requested ON studio.customers (erase_requested_at) WHERE erase_requested_at IS NOT NULL;

CREATE TABLE studio.legal_hold_orders (
    hold_id  uuid NOT NULL REFERENCES studio.legal_holds,
    order_id text NOT NULL REFERENCES studio.orders,
    PRIMARY KEY (hold_id, order_id)
);
CREATE INDEX legal_hold_orders_order ON studio.legal_hold_orders (order_id);
COMMENT ON TABLE studio.legal_hold_orders IS 'The orders whose payments a hold names.';
COMMENT ON COLUMN studio.legal_hold_orders.hold_id IS 'The hold. Unit: none. Category: none.';
COMMENT ON COLUMN studio.legal_hold_orders.order_id IS 'The order. Unit: none. Category: user.unique_id.';
CREATE VIEW studio.effective_order_hold AS
    SELECT h.hold_id, o.order_id, h.expires_at
    FROM studio.legal_holds h JOIN studio.legal_hold_orders o USING (hold_id)
    WHERE h.released_at IS NULL AND btrim(h.basis) <> '' AND btrim(h.approved_by) <> ''
      AND h.approved_by <> h.placed_by AND h.placed_at <= clock_timestamp() AND h.expires_at > clock_timestamp();
COMMENT ON VIEW studio.effective_order_hold IS 'Orders whose payments are held at this moment by a hold that has all it needs.';
CREATE OR REPLACE VIEW studio.flawed_hold AS
    SELECT h.hold_id FROM studio.legal_holds h
    WHERE h.released_at IS NULL AND (coalesce(btrim(h.basis), '') = '' OR coalesce(btrim(h.approved_by), '') = ''
        OR h.approved_by = h.placed_by OR h.expires_at IS NULL
        OR NOT EXISTS (SELECT FROM studio.legal_hold_uploads u WHERE u.hold_id = h.hold_id
                       UNION ALL SELECT FROM studio.legal_hold_orders o WHERE o.hold_id = h.hold_id));
COMMENT ON VIEW studio.flawed_hold IS 'Holds that lack basis, files or orders, expiry or a second person: ignored, and reported.';

-- What stands for a person in the archive is made with a key of that person alone. Without it nobody can say who it was.
CREATE TABLE lifecycle.customer_key (
    customer_id uuid PRIMARY KEY REFERENCES studio.customers,
    key         bytea NOT NULL CHECK (octet_length(key) = 32)
                DEFAULT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())),
    made_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lifecycle.customer_key IS 'Keys of the references by which archived payments name customers; no pipeline can read them. Destroying one unlinks the person.';
COMMENT ON COLUMN lifecycle.customer_key.customer_id IS 'The customer. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.customer_key.key IS 'Random. Unit: 32 bytes. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.customer_key.made_at IS 'When. Unit: UTC instant. Category: none.';

-- First instant at which a promise to keep for calendar years is fulfilled, as policy/clock.py has it: years rounded up
-- (29 February becomes 1 March), a local time that clocks skip or repeat read as the later of its two instants, which is
-- how PostgreSQL reads it. Without STRICT and SET, so that it is inlined: it is asked for every family.
CREATE FUNCTION lifecycle.kept_until(final_at timestamptz, years integer, zone text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT ((final_at AT TIME ZONE zone) + pg_catalog.make_interval(years => years)
            + CASE WHEN extract(day FROM (final_at AT TIME ZONE zone) + pg_catalog.make_interval(years => years))
                        = extract(day FROM final_at AT TIME ZONE zone)
                   THEN interval '0' ELSE interval '1 day' END) AT TIME ZONE zone
$$;
COMMENT ON FUNCTION lifecycle.kept_until(timestamptz, integer, text) IS 'When calendar years from a moment are over, rounded up, in a time zone.';

CREATE TABLE lifecycle.archive_turn (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    run_id     bigint REFERENCES lifecycle.run,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lifecycle.archive_turn IS 'One row: whose turn it is. A later plan takes it; what an earlier run does after that has no effect.';
COMMENT ON COLUMN lifecycle.archive_turn.one IS 'Always true: there is one turn. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.archive_turn.run_id IS 'The latest run that planned. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_turn.changed_at IS 'When it took its turn. Unit: UTC instant. Category: none.';
INSERT INTO lifecycle.archive_turn DEFAULT VALUES;

CREATE TABLE lifecycle.archive_file (
    file_id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    run_id          bigint NOT NULL REFERENCES lifecycle.run,
    batch           integer NOT NULL CHECK (batch >= 0),
    kind            text NOT NULL CHECK (kind IN ('regular', 'correction', 'held')),
    window_start    timestamptz NOT NULL,
    window_end      timestamptz NOT NULL CHECK (window_end > window_start),
    final_from      timestamptz NOT NULL DEFAULT '-infinity',
    final_to        timestamptz NOT NULL DEFAULT 'infinity',
    order_id        text CHECK ((order_id IS NULL) = (kind <> 'held')),
    state           text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'intended', 'stored', 'current', 'expiring',
                                                                     'absent', 'abandoned')),
    object_key      text UNIQUE CHECK (object_key ~ '^[a-z0-9-]+/v1/[^/]+/[^/]+$'),
    version_id      text,
    rows            bigint CHECK (rows > 0),
    families        bigint,
    bytes           bigint,
    sha256          text,
    content_digest  text,
    first_end       timestamptz,
    last_end        timestamptz,
    locked_until    timestamptz,
    min_order_id    text COLLATE "C",
    max_order_id    text COLLATE "C",
    min_occurred_at timestamptz,
    max_occurred_at timestamptz,
    planned_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    stored_at       timestamptz,
    current_at      timestamptz,
    closed_at       timestamptz,
    CHECK (state IN ('planned', 'abandoned') OR object_key IS NOT NULL),
    CHECK (state IN ('planned', 'intended', 'abandoned') OR version_id IS NOT NULL)
);
CREATE INDEX archive_file_run ON lifecycle.archive_file (run_id, batch);
CREATE INDEX archive_file_due ON lifecycle.archive_file (last_end) WHERE state NOT IN ('planned', 'absent');
COMMENT ON TABLE lifecycle.archive_file IS 'One file of the archive, from plan to attested absence; its random id stands for it in logs and evidence. It holds families whose promise ends in one half month.';
COMMENT ON COLUMN lifecycle.archive_file.file_id IS 'Random name of the file. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.run_id IS 'Run that planned it. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.batch IS 'Batch it is worked in, from 0. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.kind IS 'regular, correction (families restated with what came later) or held (an order kept longer by a hold). Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.window_start IS 'Start of the half month in which the promise of all its families ends. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.window_end IS 'End of that half month. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.final_from IS 'Of a half month that is cut further: families final from here on. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.final_to IS 'And before this. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.order_id IS 'The held order, null otherwise. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.archive_file.state IS 'planned, intended (about to be put), stored (read back), current (compared, and gone from the hot table), expiring, absent; abandoned: never counted, but kept track of. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.object_key IS 'Key in the vault; follows from the content. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.version_id IS 'Version in the vault. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.rows IS 'Records in it. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.families IS 'Charges in it, each with its refunds and disputes. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.bytes IS 'Size. Unit: bytes. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.sha256 IS 'Digest of its bytes. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.content_digest IS 'Digest of its records, whatever the encoding. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.first_end IS 'Earliest end of the promise among its families: erased within 30 days of it. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.last_end IS 'Latest end of the promise among its families: never erased before it. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.locked_until IS 'Lock read back from the vault. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.min_order_id IS 'First order in it, bytewise. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.archive_file.max_order_id IS 'Last order in it, bytewise. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.archive_file.min_occurred_at IS 'Oldest record. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.max_occurred_at IS 'Youngest record. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.planned_at IS 'When it was planned. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.stored_at IS 'When it was read back. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.current_at IS 'When its records left the hot table. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.archive_file.closed_at IS 'When its absence was attested. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.archive_expiry (
    run_id  bigint NOT NULL REFERENCES lifecycle.run,
    file_id uuid NOT NULL REFERENCES lifecycle.archive_file,
    PRIMARY KEY (run_id, file_id)
);
COMMENT ON TABLE lifecycle.archive_expiry IS 'Files that a run planned to erase, because the last of their promises had ended.';
COMMENT ON COLUMN lifecycle.archive_expiry.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_expiry.file_id IS 'The file. Unit: none. Category: none.';

CREATE TABLE lifecycle.archive_column (
    file_id uuid NOT NULL REFERENCES lifecycle.archive_file,
    name    text NOT NULL,
    digest  text NOT NULL,
    nulls   bigint NOT NULL,
    PRIMARY KEY (file_id, name)
);
COMMENT ON TABLE lifecycle.archive_column IS 'Digest of each column of a file, as read back.';
COMMENT ON COLUMN lifecycle.archive_column.file_id IS 'The file. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_column.name IS 'The column. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_column.digest IS 'Digest over its values in order. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.archive_column.nulls IS 'Values that are null. Unit: count. Category: none.';

CREATE TABLE lifecycle.archive_total (
    file_id  uuid NOT NULL REFERENCES lifecycle.archive_file,
    month    date NOT NULL,
    currency char(3) NOT NULL,
    kind     text NOT NULL,
    rows     bigint NOT NULL,
    amount   numeric(24, 4) NOT NULL,
    PRIMARY KEY (file_id, month, currency, kind)
);
COMMENT ON TABLE lifecycle.archive_total IS 'What a file holds, in sums.';
COMMENT ON COLUMN lifecycle.archive_total.file_id IS 'The file. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_total.month IS 'First day of the month of occurred_at. Unit: UTC month. Category: none.';
COMMENT ON COLUMN lifecycle.archive_total.currency IS 'Currency. Unit: ISO 4217. Category: none.';
COMMENT ON COLUMN lifecycle.archive_total.kind IS 'charge, refund or dispute. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_total.rows IS 'Records. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.archive_total.amount IS 'Sum of their amounts. Unit: currency units, 4 decimals. Category: none.';

CREATE TABLE lifecycle.archive_compared (
    file_id     uuid NOT NULL REFERENCES lifecycle.archive_file,
    version_id  text NOT NULL,
    run_id      bigint NOT NULL REFERENCES lifecycle.run,
    rows        bigint NOT NULL,
    compared_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX archive_compared_file ON lifecycle.archive_compared (file_id);
COMMENT ON TABLE lifecycle.archive_compared IS 'Files of which another credential read every record back and found it equal to the studio''s. Without a line here nothing is removed.';
COMMENT ON COLUMN lifecycle.archive_compared.file_id IS 'The file. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_compared.version_id IS 'The version that was read. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_compared.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_compared.rows IS 'Records compared. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.archive_compared.compared_at IS 'When. Unit: UTC instant. Category: none.';
CREATE TRIGGER archive_compared_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.archive_compared
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();

CREATE TABLE lifecycle.archive_superseded (
    file_id    uuid NOT NULL REFERENCES lifecycle.archive_file,
    by_file_id uuid NOT NULL REFERENCES lifecycle.archive_file,
    month      date NOT NULL,
    currency   char(3) NOT NULL,
    kind       text NOT NULL,
    rows       bigint NOT NULL,
    amount     numeric(24, 4) NOT NULL,
    PRIMARY KEY (file_id, by_file_id, month, currency, kind)
);
COMMENT ON TABLE lifecycle.archive_superseded IS 'Records of a file that a later file restates: they count there, not here.';
COMMENT ON COLUMN lifecycle.archive_superseded.file_id IS 'The earlier file. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_superseded.by_file_id IS 'The later file. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_superseded.month IS 'First day of the month of occurred_at. Unit: UTC month. Category: none.';
COMMENT ON COLUMN lifecycle.archive_superseded.currency IS 'Currency. Unit: ISO 4217. Category: none.';
COMMENT ON COLUMN lifecycle.archive_superseded.kind IS 'charge, refund or dispute. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_superseded.rows IS 'Records. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.archive_superseded.amount IS 'Sum of their amounts. Unit: currency units, 4 decimals. Category: none.';

-- Records read back from the vault to be restated. They are here only until the file that restates them is current.
CREATE TABLE lifecycle.payment_restated (
    file_id          uuid NOT NULL REFERENCES lifecycle.archive_file,
    from_file_id     uuid NOT NULL REFERENCES lifecycle.archive_file,
    payment_id       uuid NOT NULL,
    charge_id        uuid NOT NULL,
    order_id         text NOT NULL,
    kind             text NOT NULL,
    provider         text NOT NULL,
    provider_ref     text NOT NULL,
    amount           numeric(18, 4) NOT NULL,
    fee              numeric(18, 4),
    currency         char(3) NOT NULL,
    occurred_at      timestamptz NOT NULL,
    settled_at       timestamptz,
    payer_country    char(2),
    customer_ref     text,
    provider_payload text,
    PRIMARY KEY (file_id, payment_id)
);
COMMENT ON TABLE lifecycle.payment_restated IS 'Archived records on their way into a correction or held file, as they were read from the vault.';
COMMENT ON COLUMN lifecycle.payment_restated.file_id IS 'The file that will restate it. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_restated.from_file_id IS 'The file it was read from. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_restated.payment_id IS 'Identifier of the transaction. Unit: none. Category: user.financial.';
COMMENT ON COLUMN lifecycle.payment_restated.charge_id IS 'The charge it belongs to. Unit: none. Category: user.financial.';
COMMENT ON COLUMN lifecycle.payment_restated.order_id IS 'Order paid for. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.payment_restated.kind IS 'charge, refund or dispute. Unit: none. Category: user.financial.';
COMMENT ON COLUMN lifecycle.payment_restated.provider IS 'Payment service provider. Unit: none. Category: user.financial.';
COMMENT ON COLUMN lifecycle.payment_restated.provider_ref IS 'The provider''s identifier. Unit: none. Category: user.financial.';
COMMENT ON COLUMN lifecycle.payment_restated.amount IS 'Amount. Unit: currency units, 4 decimals. Category: user.financial.';
COMMENT ON COLUMN lifecycle.payment_restated.fee IS 'The provider''s fee. Unit: currency units, 4 decimals. Category: user.financial.';
COMMENT ON COLUMN lifecycle.payment_restated.currency IS 'Currency. Unit: ISO 4217. Category: user.financial.';
COMMENT ON COLUMN lifecycle.payment_restated.occurred_at IS 'When it was made. Unit: UTC instant. Category: user.financial.';
COMMENT ON COLUMN lifecycle.payment_restated.settled_at IS 'When it settled. Unit: UTC instant. Category: user.financial.';
COMMENT ON COLUMN lifecycle.payment_restated.payer_country IS 'Country of the payer. Unit: ISO 3166-1 alpha-2. Category: user.contact.address.country.';
COMMENT ON COLUMN lifecycle.payment_restated.customer_ref IS 'Keyed reference of the customer. Unit: hex. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.payment_restated.provider_payload IS 'The provider''s object. Unit: JSON. Category: user.financial.';

CREATE TABLE lifecycle.payment_expired (
    run_id   bigint NOT NULL REFERENCES lifecycle.run,
    month    date NOT NULL,
    currency char(3) NOT NULL,
    kind     text NOT NULL,
    rows     bigint NOT NULL,
    amount   numeric(24, 4) NOT NULL,
    PRIMARY KEY (run_id, month, currency, kind)
);
COMMENT ON TABLE lifecycle.payment_expired IS 'Records erased from the hot table because their promise had ended before they were ever archived.';
COMMENT ON COLUMN lifecycle.payment_expired.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_expired.month IS 'First day of the month of occurred_at. Unit: UTC month. Category: none.';
COMMENT ON COLUMN lifecycle.payment_expired.currency IS 'Currency. Unit: ISO 4217. Category: none.';
COMMENT ON COLUMN lifecycle.payment_expired.kind IS 'charge, refund or dispute. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_expired.rows IS 'Records. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.payment_expired.amount IS 'Sum of their amounts. Unit: currency units, 4 decimals. Category: none.';

CREATE TABLE lifecycle.payment_quarantine (
    payment_id  uuid NOT NULL,
    charge_id   uuid NOT NULL,
    run_id      bigint NOT NULL REFERENCES lifecycle.run,
    column_name text NOT NULL,
    reason      text NOT NULL CHECK (reason IN ('card-number')),
    found_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    cleared_at  timestamptz,
    PRIMARY KEY (payment_id, column_name)
);
CREATE INDEX payment_quarantine_charge ON lifecycle.payment_quarantine (charge_id) WHERE cleared_at IS NULL;
COMMENT ON TABLE lifecycle.payment_quarantine IS 'Records in which something was found that may not be archived; the whole family stays where it is. What was found is never written down.';
COMMENT ON COLUMN lifecycle.payment_quarantine.payment_id IS 'The record. Unit: none. Category: user.financial.';
COMMENT ON COLUMN lifecycle.payment_quarantine.charge_id IS 'Its family. Unit: none. Category: user.financial.';
COMMENT ON COLUMN lifecycle.payment_quarantine.run_id IS 'Run that found it first. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_quarantine.column_name IS 'Where. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_quarantine.reason IS 'What kind of thing. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_quarantine.found_at IS 'When. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.payment_quarantine.cleared_at IS 'When a person found it harmless or removed it; null until then. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.payment_orphan (
    charge_id uuid NOT NULL,
    run_id    bigint NOT NULL REFERENCES lifecycle.run,
    found_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (charge_id, run_id)
);
COMMENT ON TABLE lifecycle.payment_orphan IS 'Refunds and disputes whose charge is neither in the hot table nor in any file that could hold it; they stay in the hot table.';
COMMENT ON COLUMN lifecycle.payment_orphan.charge_id IS 'The charge they name. Unit: none. Category: user.financial.';
COMMENT ON COLUMN lifecycle.payment_orphan.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_orphan.found_at IS 'When. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.payment_late (
    charge_id uuid PRIMARY KEY,
    ends_at   timestamptz NOT NULL,
    run_id    bigint NOT NULL REFERENCES lifecycle.run,
    found_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lifecycle.payment_late IS 'Families of which the archived part is kept longer than what came later asks for: nothing shortens a promise.';
COMMENT ON COLUMN lifecycle.payment_late.charge_id IS 'The charge. Unit: none. Category: user.financial.';
COMMENT ON COLUMN lifecycle.payment_late.ends_at IS 'End of the promise of the archived part. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.payment_late.run_id IS 'Run that found it. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_late.found_at IS 'When. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.payment_pseudonymised (
    case_id     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    customer_id uuid NOT NULL UNIQUE REFERENCES studio.customers,
    run_id      bigint NOT NULL REFERENCES lifecycle.run,
    hot_rows    bigint NOT NULL,
    names       bigint NOT NULL,
    keys        bigint NOT NULL,
    kept_until  timestamptz,
    done_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lifecycle.payment_pseudonymised IS 'Requests for erasure that met the duty to keep payments: the person was cut off, the records stay.';
COMMENT ON COLUMN lifecycle.payment_pseudonymised.case_id IS 'Random name of the case. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_pseudonymised.customer_id IS 'The person. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.payment_pseudonymised.run_id IS 'Run that did it. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_pseudonymised.hot_rows IS 'Payments of the person in the hot table then. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.payment_pseudonymised.names IS 'Names blanked. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.payment_pseudonymised.keys IS 'Keys destroyed: 1, or 0 if nothing of the person was archived. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.payment_pseudonymised.kept_until IS 'Until when the records are kept at the latest, null if there are none or one is not final. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.payment_pseudonymised.done_at IS 'When. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.archive_sight (
    run_id       bigint NOT NULL REFERENCES lifecycle.run,
    round        integer NOT NULL,
    file_id      uuid REFERENCES lifecycle.archive_file,
    expected     text NOT NULL CHECK (expected IN ('present', 'absent', 'canary', 'stranger')),
    outcome      text NOT NULL CHECK (outcome IN ('present', 'absent', 'unknown')),
    code         text,
    locked_until timestamptz,
    lock_short   boolean NOT NULL DEFAULT false,
    bytes        bigint,
    seen_at      timestamptz NOT NULL
);
CREATE INDEX archive_sight_run ON lifecycle.archive_sight (run_id, round);
COMMENT ON TABLE lifecycle.archive_sight IS 'What another credential saw in the vault: a row a file that should be there or should be gone, one for each canary and each stranger.';
COMMENT ON COLUMN lifecycle.archive_sight.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_sight.round IS 'How often was looked, from 1; the highest counts. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.archive_sight.file_id IS 'The file; null for canaries and strangers. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_sight.expected IS 'present, absent, canary (must be found), or stranger (there, but in no ledger). Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_sight.outcome IS 'present, absent, or unknown (the store did not say). Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_sight.code IS 'Why it is unknown. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_sight.locked_until IS 'Lock the store states. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.archive_sight.lock_short IS 'The lock ends before the promise does. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.archive_sight.bytes IS 'Size listed. Unit: bytes. Category: none.';
COMMENT ON COLUMN lifecycle.archive_sight.seen_at IS 'When was looked. Unit: UTC instant. Category: none.';
CREATE TRIGGER archive_sight_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.archive_sight
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();

CREATE TABLE lifecycle.payment_access (
    access_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    who          text NOT NULL DEFAULT session_user,
    person       text NOT NULL CHECK (person <> ''),
    purpose      text NOT NULL CHECK (purpose <> ''),
    asked        text NOT NULL CHECK (asked IN ('order', 'provider-ref', 'payment', 'period', 'export')),
    asked_sha256 text NOT NULL CHECK (asked_sha256 ~ '^[0-9a-f]{64}$'),
    rows         bigint NOT NULL CHECK (rows >= 0),
    files        integer NOT NULL CHECK (files >= 0),
    accessed_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lifecycle.payment_access IS 'Every look into the payment records by people: who, when, for what, how much; never what was asked in the clear.';
COMMENT ON COLUMN lifecycle.payment_access.access_id IS 'Running number. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_access.who IS 'Database role. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_access.person IS 'Member of staff, as the system knows them. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_access.purpose IS 'Why. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_access.asked IS 'Kind of question. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_access.asked_sha256 IS 'Digest of the question. Unit: hex. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.payment_access.rows IS 'Records shown. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.payment_access.files IS 'Files read for it. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.payment_access.accessed_at IS 'When. Unit: UTC instant. Category: none.';
CREATE TRIGGER payment_access_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.payment_access
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();
