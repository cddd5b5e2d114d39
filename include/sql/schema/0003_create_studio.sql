-- The studio. Every column says its meaning, unit and data category (a fideslang key, or "none").
CREATE TABLE studio.customers (
    customer_id   uuid PRIMARY KEY,
    display_name  text NOT NULL,
    email         text NOT NULL CHECK (email LIKE '%_@_%'),
    country       char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    time_zone     studio.time_zone NOT NULL,
    is_minor      boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL
);
COMMENT ON TABLE studio.customers IS 'People who order characters (policy 1.1, contact information).';
COMMENT ON COLUMN studio.customers.customer_id IS 'Random identifier of the customer. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN studio.customers.display_name IS 'Name the customer goes by. Unit: none. Category: user.name.';
COMMENT ON COLUMN studio.customers.email IS 'Address for order mail. Unit: none. Category: user.contact.email.';
COMMENT ON COLUMN studio.customers.country IS 'Country of residence. Unit: ISO 3166-1 alpha-2. Category: user.contact.address.country.';
COMMENT ON COLUMN studio.customers.time_zone IS 'Zone in which the customer counts days. Unit: IANA name. Category: user.location.imprecise.';
COMMENT ON COLUMN studio.customers.is_minor IS 'Confirmed to be under 18 (policy 7). Unit: boolean. Category: user.demographic.age_range.';
COMMENT ON COLUMN studio.customers.created_at IS 'When the account was made. Unit: UTC instant. Category: user.behavior.';

CREATE TABLE studio.orders (
    order_id           text PRIMARY KEY CHECK (order_id ~ '^[A-Za-z0-9_-]{4,64}$'),
    customer_id        uuid NOT NULL REFERENCES studio.customers,
    service            text NOT NULL,
    description        text NOT NULL DEFAULT '',
    created_at         timestamptz NOT NULL,
    last_activity_at   timestamptz NOT NULL,
    terminal_at        timestamptz,
    terminal_kind      text CHECK (terminal_kind IN ('completed', 'cancelled', 'refunded', 'expired')),
    reopened_at        timestamptz,
    erase_requested_at timestamptz,
    photo_state        text NOT NULL DEFAULT 'none' CHECK (photo_state IN ('none', 'present', 'absent')),
    CHECK ((terminal_at IS NULL) = (terminal_kind IS NULL))
);
COMMENT ON TABLE studio.orders IS 'Orders (policy 1.1, order information). Terminal columns are derived from order_events by trigger.';
COMMENT ON COLUMN studio.orders.order_id IS 'Identifier of the order, part of object keys; restricted characters keep prefixes exact. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN studio.orders.customer_id IS 'Who ordered. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN studio.orders.service IS 'Kind of service ordered. Unit: none. Category: user.behavior.purchase_history.';
COMMENT ON COLUMN studio.orders.description IS 'Requirements in the customer''s words. Unit: none. Category: user.content.';
COMMENT ON COLUMN studio.orders.created_at IS 'When the order was placed. Unit: UTC instant. Category: user.behavior.purchase_history.';
COMMENT ON COLUMN studio.orders.last_activity_at IS 'Latest event of the order; an open order idle for the policy''s inactivity period counts as abandoned. Unit: UTC instant. Category: user.behavior.';
COMMENT ON COLUMN studio.orders.terminal_at IS 'First terminal event since the order was last reopened; starts the clock of policy 3.2; null while open. Unit: UTC instant. Category: user.behavior.purchase_history.';
COMMENT ON COLUMN studio.orders.terminal_kind IS 'Which terminal event that was. Unit: none. Category: user.behavior.purchase_history.';
COMMENT ON COLUMN studio.orders.reopened_at IS 'Latest reopening, null if never. Unit: UTC instant. Category: user.behavior.purchase_history.';
COMMENT ON COLUMN studio.orders.erase_requested_at IS 'Verified request of the customer to erase the files of this order (policy 3.2, 6.3). Unit: UTC instant. Category: user.behavior.';
COMMENT ON COLUMN studio.orders.photo_state IS 'Whether files of the order are believed to exist: none, present, absent. Unit: none. Category: none.';

-- The index of the daily selection holds only orders that still have files: its cost follows what is due, not history.
CREATE INDEX orders_terminal ON studio.orders (terminal_at) WHERE photo_state = 'present' AND terminal_at IS NOT NULL;
CREATE INDEX orders_inactive ON studio.orders (last_activity_at) WHERE photo_state = 'present' AND terminal_at IS NULL;
CREATE INDEX orders_requested ON studio.orders (erase_requested_at) WHERE photo_state = 'present' AND erase_requested_at IS NOT NULL;
CREATE INDEX orders_customer ON studio.orders (customer_id);

CREATE TABLE studio.order_events (
    event_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id    text NOT NULL REFERENCES studio.orders,
    kind        text NOT NULL CHECK (kind IN ('created', 'paid', 'in_production', 'delivered', 'message', 'completed',
                                              'cancelled', 'refunded', 'expired', 'reopened')),
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX order_events_order ON studio.order_events (order_id, occurred_at);
COMMENT ON TABLE studio.order_events IS 'Append-only history of orders; the first terminal event counts, later ones never move the deadline.';
COMMENT ON COLUMN studio.order_events.event_id IS 'Running number. Unit: none. Category: none.';
COMMENT ON COLUMN studio.order_events.order_id IS 'The order. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN studio.order_events.kind IS 'What happened; completed, cancelled, refunded and expired are terminal. Unit: none. Category: user.behavior.purchase_history.';
COMMENT ON COLUMN studio.order_events.occurred_at IS 'When it happened. Unit: UTC instant. Category: user.behavior.purchase_history.';
COMMENT ON COLUMN studio.order_events.recorded_at IS 'When the row was written. Unit: UTC instant. Category: none.';

CREATE TABLE studio.uploads (
    upload_id    uuid PRIMARY KEY,
    category     text NOT NULL CHECK (category IN ('personal_photo', 'style_reference')),
    role         text NOT NULL CHECK (role IN ('front', 'side', 'style', 'thumbnail')),
    bucket       text NOT NULL CHECK (bucket <> ''),
    object_key   text NOT NULL CHECK (object_key ~ '^orders/[A-Za-z0-9_-]{4,64}/.'),
    sha256       bytea NOT NULL CHECK (octet_length(sha256) = 32),
    bytes        bigint NOT NULL CHECK (bytes > 0),
    media_type   text NOT NULL CHECK (media_type LIKE 'image/%'),
    derived_from uuid REFERENCES studio.uploads,
    uploaded_at  timestamptz NOT NULL,
    absent_at    timestamptz,
    -- A copy has the same key in another bucket, so a key alone names a file: two rows with one key could disagree on its fate.
    CONSTRAINT uploads_key UNIQUE (object_key),
    CHECK (upload_id <> derived_from)
);
CREATE INDEX uploads_live ON studio.uploads (upload_id) WHERE absent_at IS NULL;
CREATE INDEX uploads_derived ON studio.uploads (derived_from) WHERE derived_from IS NOT NULL;
COMMENT ON TABLE studio.uploads IS 'Images customers gave us and images derived from them (policy 1.1, 3.2).';
COMMENT ON COLUMN studio.uploads.upload_id IS 'Random identifier of the file. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN studio.uploads.category IS 'Which promise covers the file. Unit: none. Category: none.';
COMMENT ON COLUMN studio.uploads.role IS 'What the picture shows: front, side, style, or a thumbnail of one. Unit: none. Category: none.';
COMMENT ON COLUMN studio.uploads.bucket IS 'Bucket of the original; backups carry the same key in the backup bucket. Unit: none. Category: none.';
COMMENT ON COLUMN studio.uploads.object_key IS 'Key of the object, exactly, any Unicode, below the folder of an order. Unit: none. Category: user.content.self_image.';
COMMENT ON COLUMN studio.uploads.sha256 IS 'Digest of the newest version''s bytes. Unit: 32 bytes. Category: user.content.self_image.';
COMMENT ON COLUMN studio.uploads.bytes IS 'Size of the newest version. Unit: bytes. Category: none.';
COMMENT ON COLUMN studio.uploads.media_type IS 'Type of the image. Unit: IANA media type. Category: none.';
COMMENT ON COLUMN studio.uploads.derived_from IS 'The picture this one was made from; shares its fate. Unit: none. Category: none.';
COMMENT ON COLUMN studio.uploads.uploaded_at IS 'When the file arrived. Unit: UTC instant. Category: user.behavior.';
COMMENT ON COLUMN studio.uploads.absent_at IS 'When every version was last observed absent and that was attested; null while the file may exist. Unit: UTC instant. Category: none.';

CREATE TABLE studio.order_uploads (
    order_id  text NOT NULL REFERENCES studio.orders,
    upload_id uuid NOT NULL REFERENCES studio.uploads,
    PRIMARY KEY (order_id, upload_id)
);
CREATE INDEX order_uploads_upload ON studio.order_uploads (upload_id);
COMMENT ON TABLE studio.order_uploads IS 'Which orders use a file; a shared file goes with the last of them.';
COMMENT ON COLUMN studio.order_uploads.order_id IS 'The order. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN studio.order_uploads.upload_id IS 'The file. Unit: none. Category: user.unique_id.';

CREATE TABLE studio.payments (
    payment_id   uuid PRIMARY KEY,
    order_id     text NOT NULL REFERENCES studio.orders,
    kind         text NOT NULL CHECK (kind IN ('charge', 'refund', 'dispute')),
    parent_id    uuid REFERENCES studio.payments,
    provider     text NOT NULL,
    provider_ref text NOT NULL,
    amount       numeric(18, 4) NOT NULL CHECK (amount > 0),
    currency     char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    occurred_at  timestamptz NOT NULL,
    settled_at   timestamptz,
    UNIQUE (provider, provider_ref),
    CHECK ((kind = 'charge') = (parent_id IS NULL))
);
CREATE INDEX payments_order ON studio.payments (order_id);
COMMENT ON TABLE studio.payments IS 'Transaction records without card data (policy 1.1; kept seven years, policy 3.2).';
COMMENT ON COLUMN studio.payments.payment_id IS 'Identifier of the transaction. Unit: none. Category: user.financial.';
COMMENT ON COLUMN studio.payments.order_id IS 'Order paid for. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN studio.payments.kind IS 'charge, refund or dispute. Unit: none. Category: user.financial.';
COMMENT ON COLUMN studio.payments.parent_id IS 'The charge a refund or dispute belongs to. Unit: none. Category: user.financial.';
COMMENT ON COLUMN studio.payments.provider IS 'Payment service provider. Unit: none. Category: user.financial.';
COMMENT ON COLUMN studio.payments.provider_ref IS 'The provider''s identifier. Unit: none. Category: user.financial.';
COMMENT ON COLUMN studio.payments.amount IS 'Always positive; kind gives the direction. Unit: currency units, 4 decimals. Category: user.financial.';
COMMENT ON COLUMN studio.payments.currency IS 'Currency. Unit: ISO 4217. Category: user.financial.';
COMMENT ON COLUMN studio.payments.occurred_at IS 'When it was made. Unit: UTC instant. Category: user.financial.';
COMMENT ON COLUMN studio.payments.settled_at IS 'When the provider settled it, null until then. Unit: UTC instant. Category: user.financial.';

CREATE TABLE studio.disclosures (
    disclosure_id       uuid PRIMARY KEY,
    order_id            text NOT NULL REFERENCES studio.orders,
    vendor              text NOT NULL,
    data_category       text NOT NULL,
    purpose             text NOT NULL,
    destination_country char(2) NOT NULL CHECK (destination_country ~ '^[A-Z]{2}$'),
    upload_id           uuid REFERENCES studio.uploads,
    vendor_ref          text,
    sent_at             timestamptz NOT NULL
);
CREATE INDEX disclosures_order ON studio.disclosures (order_id);
CREATE INDEX disclosures_sent ON studio.disclosures (sent_at);
COMMENT ON TABLE studio.disclosures IS 'What was sent to which vendor, when and where (policy 4, 8).';
COMMENT ON COLUMN studio.disclosures.disclosure_id IS 'Identifier of the act of sending. Unit: none. Category: none.';
COMMENT ON COLUMN studio.disclosures.order_id IS 'Order it was for. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN studio.disclosures.vendor IS 'Recipient. Unit: none. Category: none.';
COMMENT ON COLUMN studio.disclosures.data_category IS 'What was sent. Unit: fideslang key. Category: none.';
COMMENT ON COLUMN studio.disclosures.purpose IS 'Why it was sent. Unit: fideslang data use. Category: none.';
COMMENT ON COLUMN studio.disclosures.destination_country IS 'Where it was sent. Unit: ISO 3166-1 alpha-2. Category: none.';
COMMENT ON COLUMN studio.disclosures.upload_id IS 'The file sent, if one was. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN studio.disclosures.vendor_ref IS 'The vendor''s identifier of what it received. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN studio.disclosures.sent_at IS 'When it was sent. Unit: UTC instant. Category: user.behavior.';

CREATE TABLE studio.consents (
    record_id               uuid PRIMARY KEY,
    schema_version          text NOT NULL DEFAULT 'ISO/IEC TS 27560:2023',
    pii_principal_id        uuid NOT NULL REFERENCES studio.customers,
    pii_controller          text NOT NULL,
    privacy_notice_version  text NOT NULL,
    purpose                 text NOT NULL,
    pii_type                text NOT NULL,
    recipient_third_party   text,
    jurisdiction            char(2) NOT NULL CHECK (jurisdiction ~ '^[A-Z]{2}$'),
    consent_type            text NOT NULL CHECK (consent_type IN ('expressed_consent', 'separate_consent', 'implied_consent')),
    bundled                 boolean NOT NULL DEFAULT false,
    given_at                timestamptz NOT NULL,
    withdrawn_at            timestamptz CHECK (withdrawn_at >= given_at)
);
CREATE INDEX consents_principal ON studio.consents (pii_principal_id);
COMMENT ON TABLE studio.consents IS 'Consent records with the field names of ISO/IEC TS 27560 (policy 2.2, 8).';
COMMENT ON COLUMN studio.consents.record_id IS 'Identifier of the record. Unit: none. Category: none.';
COMMENT ON COLUMN studio.consents.schema_version IS 'Structure the record follows. Unit: none. Category: none.';
COMMENT ON COLUMN studio.consents.pii_principal_id IS 'Who consented. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN studio.consents.pii_controller IS 'To whom consent was given. Unit: none. Category: none.';
COMMENT ON COLUMN studio.consents.privacy_notice_version IS 'Policy version shown. Unit: none. Category: user.privacy_preferences.';
COMMENT ON COLUMN studio.consents.purpose IS 'What for. Unit: fideslang data use. Category: user.privacy_preferences.';
COMMENT ON COLUMN studio.consents.pii_type IS 'Which data. Unit: fideslang key. Category: user.privacy_preferences.';
COMMENT ON COLUMN studio.consents.recipient_third_party IS 'Recipient named in the consent, null for none. Unit: none. Category: user.privacy_preferences.';
COMMENT ON COLUMN studio.consents.jurisdiction IS 'Law it was given under. Unit: ISO 3166-1 alpha-2. Category: user.privacy_preferences.';
COMMENT ON COLUMN studio.consents.consent_type IS 'How it was expressed. Unit: none. Category: user.privacy_preferences.';
COMMENT ON COLUMN studio.consents.bundled IS 'Tied to accepting something else, and therefore not explicit. Unit: boolean. Category: user.privacy_preferences.';
COMMENT ON COLUMN studio.consents.given_at IS 'When given. Unit: UTC instant. Category: user.privacy_preferences.';
COMMENT ON COLUMN studio.consents.withdrawn_at IS 'When withdrawn, null while it stands. Unit: UTC instant. Category: user.privacy_preferences.';

CREATE TABLE studio.legal_holds (
    hold_id     uuid PRIMARY KEY,
    basis       text,
    placed_by   text NOT NULL CHECK (placed_by <> ''),
    approved_by text,
    placed_at   timestamptz NOT NULL,
    expires_at  timestamptz,
    released_at timestamptz
);
COMMENT ON TABLE studio.legal_holds IS 'Reasons not to erase. Effective only with basis, named files, expiry and a second person''s approval.';
COMMENT ON COLUMN studio.legal_holds.hold_id IS 'Identifier. Unit: none. Category: none.';
COMMENT ON COLUMN studio.legal_holds.basis IS 'Legal basis; without it the hold is ignored and flagged. Unit: none. Category: none.';
COMMENT ON COLUMN studio.legal_holds.placed_by IS 'Staff member who placed it. Unit: none. Category: none.';
COMMENT ON COLUMN studio.legal_holds.approved_by IS 'Second staff member; must differ from placed_by. Unit: none. Category: none.';
COMMENT ON COLUMN studio.legal_holds.placed_at IS 'Start. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN studio.legal_holds.expires_at IS 'End; a hold without one is ignored and flagged. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN studio.legal_holds.released_at IS 'Early end, null while it stands. Unit: UTC instant. Category: none.';

CREATE TABLE studio.legal_hold_uploads (
    hold_id   uuid NOT NULL REFERENCES studio.legal_holds,
    upload_id uuid NOT NULL REFERENCES studio.uploads,
    PRIMARY KEY (hold_id, upload_id)
);
CREATE INDEX legal_hold_uploads_upload ON studio.legal_hold_uploads (upload_id);
COMMENT ON TABLE studio.legal_hold_uploads IS 'The files a hold names.';
COMMENT ON COLUMN studio.legal_hold_uploads.hold_id IS 'The hold. Unit: none. Category: none.';
COMMENT ON COLUMN studio.legal_hold_uploads.upload_id IS 'The file; what is derived from it is held too. Unit: none. Category: user.unique_id.';

CREATE VIEW studio.effective_hold AS
    SELECT h.hold_id, u.upload_id, h.expires_at
    FROM studio.legal_holds h JOIN studio.legal_hold_uploads u USING (hold_id)
    WHERE h.released_at IS NULL AND btrim(h.basis) <> '' AND btrim(h.approved_by) <> ''
      AND h.approved_by <> h.placed_by AND h.placed_at <= clock_timestamp() AND h.expires_at > clock_timestamp();
COMMENT ON VIEW studio.effective_hold IS 'Files held at this moment by a hold that has all it needs.';
CREATE VIEW studio.flawed_hold AS
    SELECT h.hold_id FROM studio.legal_holds h
    WHERE h.released_at IS NULL AND (coalesce(btrim(h.basis), '') = '' OR coalesce(btrim(h.approved_by), '') = ''
        OR h.approved_by = h.placed_by OR h.expires_at IS NULL
        OR NOT EXISTS (SELECT FROM studio.legal_hold_uploads u WHERE u.hold_id = h.hold_id));
COMMENT ON VIEW studio.flawed_hold IS 'Holds that lack basis, files, expiry or a second person: ignored, and reported.';
