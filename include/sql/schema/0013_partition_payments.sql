-- Payments by month: what is archived leaves with its partition. The studio keeps the hot ones here, and nothing of a card.
ALTER TABLE studio.payments RENAME TO payments_before_months;
ALTER TABLE studio.payments_before_months RENAME CONSTRAINT payments_pkey TO payments_before_months_pkey;
ALTER INDEX studio.payments_order RENAME TO payments_before_months_order;

CREATE TABLE studio.payments (
    payment_id       uuid NOT NULL,
    charge_id        uuid NOT NULL,
    order_id         text NOT NULL REFERENCES studio.orders,
    kind             text NOT NULL CHECK (kind IN ('charge', 'refund', 'dispute')),
    provider         text NOT NULL,
    provider_ref     text NOT NULL,
    amount           numeric(18, 4) NOT NULL CHECK (amount > 0),
    fee              numeric(18, 4) CHECK (fee >= 0),
    currency         char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    occurred_at      timestamptz NOT NULL,
    settled_at       timestamptz,
    payer_name       text,
    payer_country    char(2) CHECK (payer_country ~ '^[A-Z]{2}$'),
    provider_payload jsonb,
    PRIMARY KEY (payment_id, occurred_at),
    -- One month cannot see the others' rows: the moment has to be part of what is unique.
    UNIQUE (provider, provider_ref, occurred_at),
    CHECK ((kind = 'charge') = (payment_id = charge_id))
) PARTITION BY RANGE (occurred_at);
CREATE INDEX payments_order ON studio.payments (order_id);
CREATE INDEX payments_charge ON studio.payments (charge_id);
COMMENT ON TABLE studio.payments IS 'Transaction records without card data (policy 1.1; kept seven years, policy 3.2) until they are archived, a partition a UTC month.';
COMMENT ON COLUMN studio.payments.payment_id IS 'Identifier of the transaction. Unit: none. Category: user.financial.';
COMMENT ON COLUMN studio.payments.charge_id IS 'The charge a refund or dispute belongs to; of a charge itself. Unit: none. Category: user.financial.';
COMMENT ON COLUMN studio.payments.order_id IS 'Order paid for. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN studio.payments.kind IS 'charge, refund or dispute. Unit: none. Category: user.financial.';
COMMENT ON COLUMN studio.payments.provider IS 'Payment service provider. Unit: none. Category: user.financial.';
COMMENT ON COLUMN studio.payments.provider_ref IS 'The provider''s identifier. Unit: none. Category: user.financial.';
COMMENT ON COLUMN studio.payments.amount IS 'Always positive; kind gives the direction. Unit: currency units, 4 decimals. Category: user.financial.';
COMMENT ON COLUMN studio.payments.fee IS 'What the provider kept, null where it does not say. Unit: currency units, 4 decimals. Category: user.financial.';
COMMENT ON COLUMN studio.payments.currency IS 'Currency. Unit: ISO 4217. Category: user.financial.';
COMMENT ON COLUMN studio.payments.occurred_at IS 'When it was made. Unit: UTC instant. Category: user.financial.';
COMMENT ON COLUMN studio.payments.settled_at IS 'When the provider settled it, null until then. Unit: UTC instant. Category: user.financial.';
COMMENT ON COLUMN studio.payments.payer_name IS 'Name of the payer as the provider gave it; never archived, blanked on request. Unit: none. Category: user.name.';
COMMENT ON COLUMN studio.payments.payer_country IS 'Country of the payer, null if unknown. Unit: ISO 3166-1 alpha-2. Category: user.contact.address.country.';
COMMENT ON COLUMN studio.payments.provider_payload IS 'The provider''s object as received, null if none; must hold neither card nor person. Unit: JSON. Category: user.financial.';

-- Months are made ahead; there is no default partition, so that a row of an unexpected month is refused and not hidden.
CREATE FUNCTION studio.add_payment_months(from_month date, to_month date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' AS $$
DECLARE
    first date := date_trunc('month', from_month);
    name  text;
    named record;
    made  integer := 0;
BEGIN
    IF to_month > from_month + 400 * 31 THEN
        RAISE EXCEPTION 'more than 400 months at once';
    END IF;
    WHILE first <= to_month LOOP
        name := 'payments_' || to_char(first, 'YYYY_MM');
        IF to_regclass(format('studio.%I', name)) IS NULL THEN
            EXECUTE format('CREATE TABLE studio.%I PARTITION OF studio.payments FOR VALUES FROM (%L) TO (%L)', name,
                           first::timestamp AT TIME ZONE 'UTC', (first + interval '1 month')::timestamp AT TIME ZONE 'UTC');
            EXECUTE format('COMMENT ON TABLE studio.%I IS %L', name, 'Payments made in ' || to_char(first, 'YYYY-MM') || ' (UTC).');
            FOR named IN SELECT a.attname, col_description(a.attrelid, a.attnum) AS text FROM pg_attribute a
                         WHERE a.attrelid = 'studio.payments'::regclass AND a.attnum > 0 AND NOT a.attisdropped LOOP
                EXECUTE format('COMMENT ON COLUMN studio.%I.%I IS %L', name, named.attname, named.text);
            END LOOP;
            made := made + 1;
        END IF;
        first := first + interval '1 month';
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION studio.add_payment_months(date, date) IS 'Makes the partitions that are missing between two months, both included; how many.';

CREATE FUNCTION studio.payment_months() RETURNS TABLE (month date, attached boolean, stray_rows bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.relname, c.oid, to_date(substring(c.relname FROM '\d{4}_\d\d$'), 'YYYY_MM') AS of_month,
               EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid AND i.inhparent = 'studio.payments'::regclass) AS is_part
        FROM pg_class c
        WHERE c.relnamespace = 'studio'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^payments_\d{4}_\d\d$'
        ORDER BY c.relname
    LOOP
        month := found.of_month;
        attached := found.is_part;
        stray_rows := NULL;
        IF NOT attached THEN
            EXECUTE format('SELECT count(*) FROM studio.%I', found.relname) INTO stray_rows;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION studio.payment_months() IS 'Every month''s table: whether it is a partition, and if not, how many rows are stranded in it.';

-- Detach, look again, drop: a row that came in between is found before the table goes. The lock is not waited for long:
-- the studio's own inserts would queue behind it.
CREATE FUNCTION studio.detach_payment_month(of_month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    name   text := 'payments_' || to_char(of_month, 'YYYY_MM');
    filled boolean;
BEGIN
    IF of_month >= date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') - interval '1 month' THEN
        RAISE EXCEPTION 'month % is not over for long enough', to_char(of_month, 'YYYY-MM') USING ERRCODE = 'restrict_violation';
    END IF;
    LOCK TABLE studio.payments IN ACCESS EXCLUSIVE MODE;
    IF NOT EXISTS (SELECT FROM studio.payment_months() m WHERE m.month = of_month AND m.attached) THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM studio.%I)', name) INTO filled;
    IF filled THEN
        RETURN false;
    END IF;
    EXECUTE format('ALTER TABLE studio.payments DETACH PARTITION studio.%I', name);
    RETURN true;
END
$$;
COMMENT ON FUNCTION studio.detach_payment_month(date) IS 'Detaches an empty month of the past; false when it has rows or is not attached.';

CREATE FUNCTION studio.drop_payment_month(of_month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    name   text := 'payments_' || to_char(of_month, 'YYYY_MM');
    filled boolean;
BEGIN
    IF NOT EXISTS (SELECT FROM studio.payment_months() m WHERE m.month = of_month AND NOT m.attached) THEN
        RETURN false;
    END IF;
    EXECUTE format('LOCK TABLE studio.%I IN ACCESS EXCLUSIVE MODE', name);
    EXECUTE format('SELECT EXISTS (SELECT FROM studio.%I)', name) INTO filled;
    IF filled THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE studio.%I', name);
    RETURN true;
END
$$;
COMMENT ON FUNCTION studio.drop_payment_month(date) IS 'Drops a detached month that is empty; false when it has rows or is attached.';

CREATE FUNCTION studio.attach_payment_month(of_month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM studio.payment_months() m WHERE m.month = of_month AND NOT m.attached) THEN
        RETURN false;
    END IF;
    EXECUTE format('ALTER TABLE studio.payments ATTACH PARTITION studio.%I FOR VALUES FROM (%L) TO (%L)',
                   'payments_' || to_char(of_month, 'YYYY_MM'), of_month::timestamp AT TIME ZONE 'UTC',
                   (of_month + interval '1 month')::timestamp AT TIME ZONE 'UTC');
    RETURN true;
END
$$;
COMMENT ON FUNCTION studio.attach_payment_month(date) IS 'Puts a detached month back, for one in which rows are found.';

-- Money is written once. Settlement is noted once; a name may be blanked.
CREATE FUNCTION studio.keep_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.settled_at IS NOT NULL AND NEW.settled_at IS DISTINCT FROM OLD.settled_at THEN
        RAISE EXCEPTION 'a payment settles once' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.payment_id, NEW.charge_id, NEW.order_id, NEW.kind, NEW.provider, NEW.provider_ref, NEW.amount, NEW.fee,
        NEW.currency, NEW.occurred_at, NEW.payer_country, NEW.provider_payload)
       IS DISTINCT FROM
       (OLD.payment_id, OLD.charge_id, OLD.order_id, OLD.kind, OLD.provider, OLD.provider_ref, OLD.amount, OLD.fee,
        OLD.currency, OLD.occurred_at, OLD.payer_country, OLD.provider_payload) THEN
        RAISE EXCEPTION 'a payment does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER payments_stay BEFORE UPDATE ON studio.payments FOR EACH ROW EXECUTE FUNCTION studio.keep_payment();

-- The control ledger: what was ever seen, written as rows arrive and by nothing that archives them.
CREATE TABLE lifecycle.payment_arrival (
    arrival_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month      date NOT NULL CHECK (extract(day FROM month) = 1),
    currency   char(3) NOT NULL,
    kind       text NOT NULL,
    rows       bigint NOT NULL CHECK (rows > 0),
    amount     numeric(24, 4) NOT NULL,
    noted_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lifecycle.payment_arrival IS 'Control ledger: payments as they arrived, a line a statement, month, currency and kind. Everything else must add up to it.';
COMMENT ON COLUMN lifecycle.payment_arrival.arrival_id IS 'Running number. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_arrival.month IS 'First day of the month of occurred_at. Unit: UTC month. Category: none.';
COMMENT ON COLUMN lifecycle.payment_arrival.currency IS 'Currency. Unit: ISO 4217. Category: none.';
COMMENT ON COLUMN lifecycle.payment_arrival.kind IS 'charge, refund or dispute. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.payment_arrival.rows IS 'Rows that arrived. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.payment_arrival.amount IS 'Sum of their amounts. Unit: currency units, 4 decimals. Category: none.';
COMMENT ON COLUMN lifecycle.payment_arrival.noted_at IS 'When. Unit: UTC instant. Category: none.';
CREATE TRIGGER payment_arrival_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.payment_arrival
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();

CREATE FUNCTION studio.note_arrivals() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO lifecycle.payment_arrival (month, currency, kind, rows, amount)
    SELECT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date, currency, kind, count(*), sum(amount)
    FROM arrived GROUP BY 1, 2, 3;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION studio.note_arrivals() FROM PUBLIC;
CREATE TRIGGER payments_arrive AFTER INSERT ON studio.payments REFERENCING NEW TABLE AS arrived
    FOR EACH STATEMENT EXECUTE FUNCTION studio.note_arrivals();

SELECT studio.add_payment_months((SELECT least(min(occurred_at), clock_timestamp()) FROM studio.payments_before_months)::date,
                                 (clock_timestamp() + interval '24 months')::date);
INSERT INTO studio.payments (payment_id, charge_id, order_id, kind, provider, provider_ref, amount, currency, occurred_at, settled_at)
SELECT payment_id, coalesce(parent_id, payment_id), order_id, kind, provider, provider_ref, amount, currency, occurred_at, settled_at
FROM studio.payments_before_months;
DROP TABLE studio.payments_before_months;
