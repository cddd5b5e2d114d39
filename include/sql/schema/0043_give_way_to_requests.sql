-- A question that nobody answered yet gives way to a customer's request: whoever plans the request takes the case over, and
-- the question is void in the same transaction. Who releases and who takes over meet at the run's row: one of them is first.
CREATE FUNCTION lifecycle.exceeds_caps(facts jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM jsonb_each($1 -> 'caps') AS c WHERE (c.value ->> 'found')::numeric > (c.value ->> 'allowed')::numeric)
$$;
COMMENT ON FUNCTION lifecycle.exceeds_caps(jsonb) IS 'Whether the facts of a plan exceed a cap of the policy: then a person has to approve it.';

CREATE FUNCTION lifecycle.give_way_to_request() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    waiting record;
BEGIN
    FOR waiting IN
        SELECT r.run_id, r.manifest_sha256, r.planned_at
        FROM lifecycle.run r
        WHERE r.run_id IN (SELECT o.run_id FROM earlier o JOIN later n USING (case_id)
                           WHERE n.run_id <> o.run_id AND n.reason = 'request')
          AND r.pipeline = 'photo_purge' AND r.released_at IS NULL AND r.state = 'planned' AND lifecycle.exceeds_caps(r.facts)
        ORDER BY r.run_id
        FOR NO KEY UPDATE
    LOOP
        INSERT INTO lifecycle.approval (run_id, manifest_sha256, asked_at, answer, why)
        VALUES (waiting.run_id, waiting.manifest_sha256, waiting.planned_at, 'void', 'gave way to a request');
    END LOOP;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION lifecycle.give_way_to_request() FROM PUBLIC;
CREATE TRIGGER question_gives_way_to_request AFTER UPDATE ON lifecycle.erasure_case
    REFERENCING OLD TABLE AS earlier NEW TABLE AS later
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.give_way_to_request();
