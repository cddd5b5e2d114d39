-- Who opened what, and why; and no statement is signed with a key that was replaced.
CREATE TABLE lifecycle.opening_released (
    release_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id     uuid NOT NULL REFERENCES lifecycle.erasure_case,
    items       integer NOT NULL CHECK (items > 0),
    released_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    released_by text NOT NULL CHECK (released_by <> ''),
    purpose     text NOT NULL CHECK (btrim(purpose) <> '')
);
COMMENT ON TABLE lifecycle.opening_released IS 'Openings that were handed out: each lets its holder find one person''s items in the evidence.';
COMMENT ON COLUMN lifecycle.opening_released.release_id IS 'Running number. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.opening_released.case_id IS 'The case opened. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.opening_released.items IS 'How many of its items. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.opening_released.released_at IS 'When, before the file was written. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.opening_released.released_by IS 'Login user of the machine it was released on. Unit: none. Category: user.account.username.';
COMMENT ON COLUMN lifecycle.opening_released.purpose IS 'Why, in the words of who released it; names nobody. Unit: none. Category: none.';
CREATE INDEX opening_released_case ON lifecycle.opening_released (case_id);
CREATE TRIGGER opening_released_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.opening_released
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();
GRANT INSERT (case_id, items, released_by, purpose) ON lifecycle.opening_released TO evidence_lookup;
GRANT SELECT ON lifecycle.opening_released TO reviewer, studio_auditor;

-- A statement signed with a replaced key, but logged after the key's replacement, would spoil the log for good. Whoever
-- signs shares this lock until the end of the transaction; whoever changes keys waits for them and has it alone.
CREATE FUNCTION lifecycle.refuse_replaced_key() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    rotation constant text := 'https://xmanart.com/lifecycle/key-rotation/v1';
    replaced text;
BEGIN
    IF NEW.predicate_type = rotation THEN
        PERFORM pg_advisory_xact_lock(1785358968);
        replaced := convert_from(decode(convert_from(NEW.envelope, 'UTF8')::jsonb ->> 'payload', 'base64'), 'UTF8')::jsonb
            #>> '{predicate,old}';
    ELSE
        PERFORM pg_advisory_xact_lock_shared(1785358968);
        replaced := NEW.key_id;
    END IF;
    IF EXISTS (SELECT FROM lifecycle.evidence e
               WHERE e.predicate_type = rotation AND e.run_id IS NULL AND e.facts_sha256 <> NEW.facts_sha256
                 AND convert_from(decode(convert_from(e.envelope, 'UTF8')::jsonb ->> 'payload', 'base64'), 'UTF8')::jsonb
                     #>> '{predicate,old}' = replaced) THEN
        RAISE EXCEPTION 'signed with a key that was replaced' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER evidence_of_current_keys BEFORE INSERT ON lifecycle.evidence
    FOR EACH ROW EXECUTE FUNCTION lifecycle.refuse_replaced_key();

CREATE FUNCTION lifecycle.stop_signing() RETURNS timestamptz LANGUAGE plpgsql SET lock_timeout = '60s' AS $$
DECLARE
    moment timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(1785358968);
    moment := clock_timestamp();
    IF EXISTS (SELECT FROM lifecycle.evidence WHERE signed_at >= moment) THEN
        RAISE EXCEPTION 'a statement is signed later than now: has the clock been set back?'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN moment;
END
$$;
COMMENT ON FUNCTION lifecycle.stop_signing() IS 'Waits until nobody is stating anything and keeps it so until the end of the transaction. The moment: all that was signed before is in the database.';
REVOKE ALL ON FUNCTION lifecycle.stop_signing() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lifecycle.stop_signing() TO evidence_writer;
