-- What a run would erase is sealed beside what it may erase unasked. Over a cap, no release without a person's approval of
-- that very manifest: also a bug of ours cannot let it go.
CREATE TABLE lifecycle.approval (
    approval_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id          bigint NOT NULL REFERENCES lifecycle.run,
    manifest_sha256 text NOT NULL CHECK (manifest_sha256 ~ '^[0-9a-f]{64}$'),
    asked_at        timestamptz NOT NULL,
    answer          text NOT NULL CHECK (answer IN ('approved', 'rejected', 'timed_out', 'void')),
    why             text CHECK (btrim(why) <> ''),
    answered_by     text CHECK (btrim(answered_by) <> ''),
    started_by      text CHECK (btrim(started_by) <> ''),
    answered_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((answer IN ('approved', 'rejected')) <= (answered_by IS NOT NULL)),
    CHECK ((answer = 'void') = (why IS NOT NULL)),
    CONSTRAINT approval_by_another CHECK (answer <> 'approved' OR answered_by IS DISTINCT FROM started_by)
);
CREATE INDEX approval_run ON lifecycle.approval (run_id, approval_id);
COMMENT ON TABLE lifecycle.approval IS 'What a person said, or did not say in time, to a plan over its caps. The latest answer of a run counts, for the manifest it names.';
COMMENT ON COLUMN lifecycle.approval.approval_id IS 'Running number. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.approval.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.approval.manifest_sha256 IS 'The manifest the answer is about, as whoever answered named it. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.approval.asked_at IS 'When it was asked. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.approval.answer IS 'approved, rejected, timed_out (nobody answered) or void (does not count). Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.approval.why IS 'Why it does not count. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.approval.answered_by IS 'Staff account that answered. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.approval.started_by IS 'Staff account that started the run; null for a scheduled one. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.approval.answered_at IS 'When the answer was noted. Unit: UTC instant. Category: none.';
CREATE TRIGGER approval_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.approval
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();

CREATE FUNCTION lifecycle.refuse_unapproved_release() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caps jsonb := NEW.facts -> 'caps';
BEGIN
    IF (caps #>> '{entries,found}') IS DISTINCT FROM (NEW.facts ->> 'erase_items')
       OR (caps #>> '{bytes,found}') IS DISTINCT FROM (NEW.facts ->> 'erase_bytes')
       OR (caps #>> '{entries,allowed}') IS NULL OR (caps #>> '{bytes,allowed}') IS NULL THEN
        RAISE EXCEPTION 'run % was not judged by the caps', NEW.run_id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'judged_by_caps';
    END IF;
    IF EXISTS (SELECT FROM jsonb_each(caps) AS c WHERE (c.value ->> 'found')::numeric > (c.value ->> 'allowed')::numeric)
       AND NOT EXISTS (SELECT FROM (SELECT a.answer, a.manifest_sha256 FROM lifecycle.approval a
                                    WHERE a.run_id = NEW.run_id ORDER BY a.approval_id DESC LIMIT 1) AS latest
                       WHERE latest.answer = 'approved' AND latest.manifest_sha256 = NEW.manifest_sha256) THEN
        RAISE EXCEPTION 'run % is over its caps and nobody approved its manifest', NEW.run_id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'approved_over_caps';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION lifecycle.refuse_unapproved_release() FROM PUBLIC;
CREATE TRIGGER run_released_within_caps_or_approved BEFORE UPDATE OF released_at ON lifecycle.run FOR EACH ROW
    WHEN (NEW.released_at IS NOT NULL AND NEW.pipeline = 'photo_purge')
    EXECUTE FUNCTION lifecycle.refuse_unapproved_release();

GRANT SELECT, INSERT (run_id, manifest_sha256, asked_at, answer, why, answered_by, started_by) ON lifecycle.approval TO evidence_writer;
GRANT SELECT ON lifecycle.approval TO studio_reader, studio_auditor, reviewer;
