-- One switch pauses whatever destroys; plans and observations go on. The database itself refuses what must not go on.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'duty_officer') THEN
        CREATE ROLE duty_officer NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
    EXECUTE format('ALTER ROLE duty_officer IN DATABASE %I SET TimeZone = ''UTC''', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO duty_officer', current_database());
END
$$;

CREATE TABLE lifecycle.posture (
    posture_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    paused     boolean NOT NULL,
    by_whom    text NOT NULL CHECK (btrim(by_whom) <> ''),
    why        text NOT NULL CHECK (btrim(why) <> '')
);
COMMENT ON TABLE lifecycle.posture IS 'When destructive steps were paused and resumed; the latest row is in force, none means never paused.';
COMMENT ON COLUMN lifecycle.posture.posture_id IS 'Running number. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.posture.at IS 'When. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.posture.paused IS 'Paused, or resumed. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.posture.by_whom IS 'Staff account that said so. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.posture.why IS 'Why, in words that name no customer. Unit: none. Category: none.';
CREATE TRIGGER posture_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.posture
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();

CREATE FUNCTION lifecycle.is_paused() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce((SELECT p.paused FROM lifecycle.posture p ORDER BY p.posture_id DESC LIMIT 1), false)
$$;
COMMENT ON FUNCTION lifecycle.is_paused() IS 'Whether destructive steps are paused now.';

CREATE FUNCTION lifecycle.refuse_while_paused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF lifecycle.is_paused() THEN
        RAISE EXCEPTION 'paused: nothing is destroyed on %.%', TG_TABLE_SCHEMA, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'paused';
    END IF;
    RETURN coalesce(NEW, OLD);
END
$$;

-- Named are those that only look, or where the step that destroys is refused by itself: whatever comes new is refused.
CREATE TRIGGER run_not_released_while_paused BEFORE UPDATE OF released_at ON lifecycle.run FOR EACH ROW
    WHEN (NEW.released_at IS NOT NULL AND NEW.pipeline NOT IN
          ('evidence_audit', 'transfer_check', 'vendor_inventory', 'vendor_erasure', 'policy_change', 'legal_holds'))
    EXECUTE FUNCTION lifecycle.refuse_while_paused();
CREATE TRIGGER vendor_not_asked_while_paused BEFORE UPDATE ON lifecycle.vendor_erasure FOR EACH ROW
    WHEN (NEW.state = 'submitted' AND NEW.epoch <> OLD.epoch) EXECUTE FUNCTION lifecycle.refuse_while_paused();
CREATE TRIGGER archive_not_expiring_while_paused BEFORE UPDATE OF state ON lifecycle.archive_file FOR EACH ROW
    WHEN (NEW.state = 'expiring') EXECUTE FUNCTION lifecycle.refuse_while_paused();
CREATE TRIGGER payments_stay_while_paused BEFORE DELETE ON studio.payments
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_while_paused();
CREATE TRIGGER customer_key_stays_while_paused BEFORE DELETE ON lifecycle.customer_key
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_while_paused();
CREATE TRIGGER case_salt_stays_while_paused BEFORE DELETE ON lifecycle.case_salt
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_while_paused();

-- The audit goes on while the house is paused; it then destroys none, and what is left is counted by its assertions.
CREATE OR REPLACE FUNCTION lifecycle.destroy_salts(closed_before timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    destroyed bigint;
BEGIN
    IF lifecycle.is_paused() THEN
        RETURN 0;
    END IF;
    DELETE FROM lifecycle.case_salt s USING lifecycle.erasure_case c
    WHERE c.case_id = s.case_id AND c.state = 'absent' AND c.closed_at < $1;
    GET DIAGNOSTICS destroyed = ROW_COUNT;
    RETURN destroyed;
END
$$;

GRANT USAGE ON SCHEMA lifecycle TO duty_officer;
GRANT INSERT (paused, by_whom, why) ON lifecycle.posture TO duty_officer;
GRANT SELECT ON lifecycle.posture TO duty_officer, studio_reader, studio_eraser, studio_auditor, evidence_writer,
    payment_archiver, vendor_eraser, reviewer;
