-- Whoever judges its plans by caps is released within them, or with a person's approval of that very manifest, in every
-- pipeline alike. A trigger names what the caps are about: a cap, the facts of the plan whose sum it judged, the next cap …
-- A plan from before its pipeline had caps was not judged: it is not released, and the next run plans anew.
CREATE FUNCTION lifecycle.refuse_release_over_caps() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caps jsonb := NEW.facts -> 'caps';
    counted text[];
    planned numeric;
BEGIN
    FOR i IN 0 .. TG_NARGS - 1 BY 2 LOOP
        counted := string_to_array(TG_ARGV[i + 1], '+');
        planned := (SELECT CASE WHEN NEW.facts ?& counted THEN sum((NEW.facts ->> c.name)::numeric) END
                    FROM unnest(counted) AS c (name));
        IF planned IS NULL OR (caps -> TG_ARGV[i] ->> 'found')::numeric IS DISTINCT FROM planned
           OR caps -> TG_ARGV[i] ->> 'allowed' IS NULL THEN
            RAISE EXCEPTION 'run % was not judged by the caps', NEW.run_id
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'judged_by_caps';
        END IF;
    END LOOP;
    IF lifecycle.exceeds_caps(NEW.facts)
       AND NOT EXISTS (SELECT FROM (SELECT a.answer, a.manifest_sha256 FROM lifecycle.approval a
                                    WHERE a.run_id = NEW.run_id ORDER BY a.approval_id DESC LIMIT 1) AS latest
                       WHERE latest.answer = 'approved' AND latest.manifest_sha256 = NEW.manifest_sha256) THEN
        RAISE EXCEPTION 'run % is over its caps and nobody approved its manifest', NEW.run_id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'approved_over_caps';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION lifecycle.refuse_release_over_caps() FROM PUBLIC;
COMMENT ON FUNCTION lifecycle.refuse_release_over_caps() IS 'Lets no run go that was not judged by its caps, or is over them without an approval of its manifest.';

CREATE FUNCTION lifecycle.refuse_release_without_its_cases() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF lifecycle.exceeds_caps(NEW.facts)
       AND (SELECT count(*) FROM lifecycle.erasure_case c WHERE c.run_id = NEW.run_id AND c.state = 'open')
           IS DISTINCT FROM (NEW.facts ->> 'cases')::bigint THEN
        RAISE EXCEPTION 'run % was approved for cases that are not its own any more', NEW.run_id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'approved_for_its_cases';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION lifecycle.refuse_release_without_its_cases() FROM PUBLIC;
COMMENT ON FUNCTION lifecycle.refuse_release_without_its_cases() IS 'Lets no purge go that was approved and lost a case since: what was approved was the whole plan.';

DROP TRIGGER run_released_within_caps_or_approved ON lifecycle.run;
DROP FUNCTION lifecycle.refuse_unapproved_release();
CREATE TRIGGER run_released_within_caps_or_approved BEFORE UPDATE OF released_at ON lifecycle.run FOR EACH ROW
    WHEN (NEW.released_at IS NOT NULL AND NEW.pipeline = 'photo_purge')
    EXECUTE FUNCTION lifecycle.refuse_release_over_caps('entries', 'erase_items', 'bytes', 'erase_bytes');
CREATE TRIGGER run_released_within_caps_or_approved_for_its_cases BEFORE UPDATE OF released_at ON lifecycle.run FOR EACH ROW
    WHEN (NEW.released_at IS NOT NULL AND NEW.pipeline = 'photo_purge')
    EXECUTE FUNCTION lifecycle.refuse_release_without_its_cases();
CREATE TRIGGER run_released_within_caps_or_approved_to_archive BEFORE UPDATE OF released_at ON lifecycle.run FOR EACH ROW
    WHEN (NEW.released_at IS NOT NULL AND NEW.pipeline = 'payment_archive')
    EXECUTE FUNCTION lifecycle.refuse_release_over_caps('records to archive', 'rows',
                                                        'records to erase', 'expiring_rows+ended_hot_rows');

GRANT SELECT ON lifecycle.approval TO payment_archiver;
