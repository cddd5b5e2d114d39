-- Legal holds: placed by one person, approved by another, extended by two again, released; nothing of it by a bare update.
ALTER TABLE studio.legal_holds
    ADD COLUMN basis_class text CHECK (basis_class IN ('claim', 'authority', 'audit', 'dispute', 'other')),
    ADD COLUMN approved_at timestamptz,
    ADD COLUMN released_by text;
COMMENT ON COLUMN studio.legal_holds.basis_class IS 'Kind of basis, as evidence states it: the words of the basis may name somebody. Unit: none. Category: none.';
COMMENT ON COLUMN studio.legal_holds.approved_at IS 'When the second person approved; null: not yet, or it was recorded as approved. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN studio.legal_holds.released_by IS 'Staff member who released it. Unit: none. Category: none.';

CREATE TABLE studio.legal_hold_extensions (
    extension_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    hold_id      uuid NOT NULL REFERENCES studio.legal_holds,
    asked_by     text NOT NULL CHECK (btrim(asked_by) <> ''),
    asked_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at   timestamptz NOT NULL,
    approved_by  text CHECK (btrim(approved_by) <> '' AND lower(btrim(approved_by)) <> lower(btrim(asked_by))),
    approved_at  timestamptz,
    CHECK ((approved_by IS NULL) = (approved_at IS NULL))
);
CREATE UNIQUE INDEX legal_hold_extensions_waiting ON studio.legal_hold_extensions (hold_id) WHERE approved_at IS NULL;
COMMENT ON TABLE studio.legal_hold_extensions IS 'Later ends that were asked for; each counts from its approval by a second person.';
COMMENT ON COLUMN studio.legal_hold_extensions.extension_id IS 'Identifier. Unit: none. Category: none.';
COMMENT ON COLUMN studio.legal_hold_extensions.hold_id IS 'The hold. Unit: none. Category: none.';
COMMENT ON COLUMN studio.legal_hold_extensions.asked_by IS 'Staff member who asked. Unit: none. Category: none.';
COMMENT ON COLUMN studio.legal_hold_extensions.asked_at IS 'When. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN studio.legal_hold_extensions.expires_at IS 'The new end. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN studio.legal_hold_extensions.approved_by IS 'Second staff member, null while it waits. Unit: none. Category: none.';
COMMENT ON COLUMN studio.legal_hold_extensions.approved_at IS 'When it was approved. Unit: UTC instant. Category: none.';

-- What the second person saw is what is held: no file joins a hold after its approval.
CREATE FUNCTION studio.refuse_file_after_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM studio.legal_holds h WHERE h.hold_id = NEW.hold_id AND h.approved_at IS NOT NULL) THEN
        RAISE EXCEPTION 'hold % is approved: place another one for more files', NEW.hold_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER legal_hold_files_are_approved BEFORE INSERT OR UPDATE ON studio.legal_hold_uploads
    FOR EACH ROW EXECUTE FUNCTION studio.refuse_file_after_approval();

CREATE FUNCTION studio.place_hold(basis text, basis_class text, placed_by text, expires_at timestamptz, uploads uuid[]) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made uuid := gen_random_uuid();
    named bigint;
BEGIN
    IF coalesce(btrim($1), '') = '' OR coalesce(btrim($3), '') = '' THEN
        RAISE EXCEPTION 'a hold needs a basis and the name of who places it' USING ERRCODE = 'check_violation';
    END IF;
    IF $4 IS NULL OR $4 <= clock_timestamp() THEN
        RAISE EXCEPTION 'a hold needs an end, and that lies in the future' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO studio.legal_holds (hold_id, basis, basis_class, placed_by, placed_at, expires_at)
    VALUES (made, btrim($1), $2, btrim($3), clock_timestamp(), $4);
    INSERT INTO studio.legal_hold_uploads (hold_id, upload_id)
    SELECT made, u.upload_id FROM studio.uploads u WHERE u.upload_id = ANY ($5) AND u.absent_at IS NULL;
    GET DIAGNOSTICS named = ROW_COUNT;
    IF named = 0 OR named <> (SELECT count(DISTINCT id) FROM unnest($5) AS id) THEN
        RAISE EXCEPTION 'a hold names files that are there: % of those named are', named USING ERRCODE = 'check_violation';
    END IF;
    RETURN made;
END
$$;
COMMENT ON FUNCTION studio.place_hold(text, text, text, timestamptz, uuid[]) IS 'Places a hold on named files that are there; it waits for a second person. Its id.';

CREATE FUNCTION studio.approve_hold(hold uuid, who text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    h studio.legal_holds;
    e studio.legal_hold_extensions;
BEGIN
    SELECT * INTO h FROM studio.legal_holds WHERE hold_id = $1 FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no hold %', $1 USING ERRCODE = 'no_data_found';
    END IF;
    IF h.released_at IS NOT NULL OR h.expires_at <= clock_timestamp() THEN
        RAISE EXCEPTION 'hold % has ended: place another one', $1 USING ERRCODE = 'restrict_violation';
    END IF;
    IF coalesce(btrim($2), '') = '' THEN
        RAISE EXCEPTION 'an approval needs the name of who gives it' USING ERRCODE = 'check_violation';
    END IF;
    IF h.approved_by IS NULL THEN
        IF lower(btrim($2)) = lower(btrim(h.placed_by)) THEN
            RAISE EXCEPTION 'hold % was placed by the same person: a second one approves', $1 USING ERRCODE = 'restrict_violation';
        END IF;
        UPDATE studio.legal_holds SET approved_by = btrim($2), approved_at = clock_timestamp() WHERE hold_id = $1;
        RETURN 'hold';
    END IF;
    SELECT * INTO e FROM studio.legal_hold_extensions x WHERE x.hold_id = $1 AND x.approved_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'nothing about hold % waits for approval', $1 USING ERRCODE = 'restrict_violation';
    END IF;
    IF lower(btrim($2)) = lower(btrim(e.asked_by)) THEN
        RAISE EXCEPTION 'the extension of hold % was asked for by the same person: a second one approves', $1
            USING ERRCODE = 'restrict_violation';
    END IF;
    UPDATE studio.legal_hold_extensions SET approved_by = btrim($2), approved_at = clock_timestamp() WHERE extension_id = e.extension_id;
    UPDATE studio.legal_holds SET expires_at = e.expires_at WHERE hold_id = $1;
    RETURN 'extension';
END
$$;
COMMENT ON FUNCTION studio.approve_hold(uuid, text) IS 'The second person''s yes to a hold, or to its extension: whichever waits. Which it was.';

CREATE FUNCTION studio.extend_hold(hold uuid, who text, until timestamptz) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    h studio.legal_holds;
    made uuid;
BEGIN
    SELECT * INTO h FROM studio.legal_holds WHERE hold_id = $1 FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no hold %', $1 USING ERRCODE = 'no_data_found';
    END IF;
    IF h.released_at IS NOT NULL OR h.expires_at <= clock_timestamp() OR h.approved_by IS NULL THEN
        RAISE EXCEPTION 'hold % is not in force: only one that is can be extended', $1 USING ERRCODE = 'restrict_violation';
    END IF;
    IF $3 IS NULL OR $3 <= h.expires_at THEN
        RAISE EXCEPTION 'hold % ends later than that already', $1 USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO studio.legal_hold_extensions (hold_id, asked_by, expires_at) VALUES ($1, btrim($2), $3)
    RETURNING extension_id INTO made;
    RETURN made;
END
$$;
COMMENT ON FUNCTION studio.extend_hold(uuid, text, timestamptz) IS 'Asks for a later end; it counts once a second person approves. Id of the extension.';

CREATE FUNCTION studio.release_hold(hold uuid, who text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF coalesce(btrim($2), '') = '' THEN
        RAISE EXCEPTION 'a release needs the name of who releases' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE studio.legal_holds SET released_at = clock_timestamp(), released_by = btrim($2)
    WHERE hold_id = $1 AND released_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no hold % to release', $1 USING ERRCODE = 'no_data_found';
    END IF;
END
$$;
COMMENT ON FUNCTION studio.release_hold(uuid, text) IS 'Ends a hold now, whether approved or not: its files are due within the policy''s time.';
REVOKE ALL ON FUNCTION studio.place_hold(text, text, text, timestamptz, uuid[]), studio.approve_hold(uuid, text),
    studio.extend_hold(uuid, text, timestamptz), studio.release_hold(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION studio.place_hold(text, text, text, timestamptz, uuid[]), studio.approve_hold(uuid, text),
    studio.extend_hold(uuid, text, timestamptz), studio.release_hold(uuid, text) TO studio_app;
-- The application changes a hold through these functions alone.
REVOKE UPDATE ON studio.legal_holds FROM studio_app;
GRANT SELECT ON studio.legal_hold_extensions TO studio_app;

-- A hold that has all it needs, while it is in force.
CREATE VIEW studio.hold_in_force AS
    SELECT h.hold_id, u.upload_id, h.expires_at, coalesce(h.basis_class, 'other') AS basis_class,
           greatest(h.placed_at, h.approved_at) AS begun_at
    FROM studio.legal_holds h JOIN studio.legal_hold_uploads u USING (hold_id)
    WHERE h.released_at IS NULL AND btrim(h.basis) <> '' AND btrim(h.approved_by) <> ''
      AND lower(btrim(h.approved_by)) <> lower(btrim(h.placed_by))
      AND h.placed_at <= clock_timestamp() AND h.expires_at > clock_timestamp();
COMMENT ON VIEW studio.hold_in_force IS 'Files named by a hold that has basis, files, expiry and a second person, and has not ended.';
CREATE OR REPLACE VIEW studio.flawed_hold AS
    SELECT h.hold_id FROM studio.legal_holds h
    WHERE h.released_at IS NULL AND (coalesce(btrim(h.basis), '') = '' OR coalesce(btrim(h.approved_by), '') = ''
        OR lower(btrim(h.approved_by)) = lower(btrim(h.placed_by)) OR h.expires_at IS NULL
        OR NOT EXISTS (SELECT FROM studio.legal_hold_uploads u WHERE u.hold_id = h.hold_id));

-- From when to when a file was rightly held, once that is over: until then it was not to be erased, soon after it is.
CREATE VIEW studio.released_hold AS
    SELECT h.hold_id, u.upload_id, greatest(h.placed_at, h.approved_at) AS begun_at, least(h.released_at, h.expires_at) AS ended_at
    FROM studio.legal_holds h JOIN studio.legal_hold_uploads u USING (hold_id)
    WHERE btrim(h.basis) <> '' AND btrim(h.approved_by) <> '' AND lower(btrim(h.approved_by)) <> lower(btrim(h.placed_by))
      AND h.expires_at IS NOT NULL AND least(h.released_at, h.expires_at) <= clock_timestamp()
      AND greatest(h.placed_at, h.approved_at) < least(h.released_at, h.expires_at);
COMMENT ON VIEW studio.released_hold IS 'Files named by a hold that had all it needs and has ended, released or expired, with when it was in force.';
GRANT SELECT ON studio.hold_in_force, studio.released_hold, studio.flawed_hold
    TO studio_reader, studio_observer, studio_auditor, evidence_writer, studio_app;
