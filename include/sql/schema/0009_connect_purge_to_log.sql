-- Every run states its plan before it may act, its assertions and its result. Items are named by commitments under a salt
-- per case that one role alone may look up.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'evidence_lookup') THEN
        CREATE ROLE evidence_lookup NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
    EXECUTE format('ALTER ROLE evidence_lookup IN DATABASE %I SET TimeZone = ''UTC''', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO evidence_lookup', current_database());
END
$$;

-- Statements: plan, assertions, result.
ALTER TABLE lifecycle.evidence
    DROP CONSTRAINT evidence_outcome_check,
    ADD CONSTRAINT evidence_outcome_check CHECK (outcome IN ('planned', 'asserted', 'verified', 'failed', 'recorded'));
COMMENT ON COLUMN lifecycle.evidence.outcome IS 'planned and asserted for what a run planned and asserted; verified or failed for its result; recorded where there was no run. Unit: none. Category: none.';
CREATE UNIQUE INDEX evidence_planned_once ON lifecycle.evidence (run_id)
    WHERE predicate_type = 'https://xmanart.com/lifecycle/plan/v1';

CREATE OR REPLACE VIEW lifecycle.run_summary AS
    SELECT r.run_id, r.pipeline, r.dag_run_id, r.attempt, r.as_of, r.dry_run, r.policy_version, r.state, r.planned_at,
           r.finished_at, r.manifest_sha256, r.facts AS planned, e.evidence_id, e.outcome, e.signed_at, e.stored_at,
           (convert_from(decode((convert_from(e.envelope, 'UTF8')::jsonb) ->> 'payload', 'base64'), 'UTF8')::jsonb)
               #> '{predicate,counts}' AS counts
    FROM lifecycle.run r
    LEFT JOIN LATERAL (SELECT * FROM lifecycle.evidence WHERE run_id = r.run_id
                       ORDER BY outcome IN ('verified', 'failed') DESC, sequence DESC LIMIT 1) e ON true;
COMMENT ON VIEW lifecycle.run_summary IS 'Each run with its latest result, or with what it stated so far, for people.';

-- No plan in the public log, no deletion: whoever sets the mark.
CREATE FUNCTION lifecycle.refuse_unpublished_plan() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM lifecycle.evidence e
                   JOIN lifecycle.log_leaf l USING (evidence_id)
                   JOIN lifecycle.log_checkpoint c ON c.tree_size > l.log_index
                   WHERE e.run_id = NEW.run_id AND e.predicate_type = 'https://xmanart.com/lifecycle/plan/v1'
                     AND e.stored_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the plan of run % is not published', NEW.run_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION lifecycle.refuse_unpublished_plan() FROM PUBLIC;
CREATE TRIGGER run_released_after_publication BEFORE UPDATE OF released_at ON lifecycle.run FOR EACH ROW
    WHEN (NEW.released_at IS NOT NULL) EXECUTE FUNCTION lifecycle.refuse_unpublished_plan();

-- What a closed case committed to.
ALTER TABLE lifecycle.erasure_case
    ADD COLUMN commitments_root bytea CHECK (octet_length(commitments_root) = 32),
    ADD COLUMN closed_lsn pg_lsn;
COMMENT ON COLUMN lifecycle.erasure_case.commitments_root IS 'Merkle root over the commitments of all that was observed absent; null while open. Unit: 32 bytes. Category: none.';
COMMENT ON COLUMN lifecycle.erasure_case.closed_lsn IS 'Where the write-ahead log was at closing: what is older may still hold bytes of the case. Unit: log sequence number. Category: none.';

CREATE TABLE lifecycle.closed_item (
    case_id uuid NOT NULL REFERENCES lifecycle.erasure_case,
    item_id bigint NOT NULL REFERENCES lifecycle.item,
    PRIMARY KEY (case_id, item_id)
);
COMMENT ON TABLE lifecycle.closed_item IS 'The items a closed case committed to, each reference once, whichever run sealed it.';
COMMENT ON COLUMN lifecycle.closed_item.case_id IS 'The case. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.closed_item.item_id IS 'The item. Unit: none. Category: none.';
CREATE TRIGGER closed_item_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.closed_item
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();

CREATE TABLE lifecycle.case_salt (
    case_id uuid PRIMARY KEY REFERENCES lifecycle.erasure_case,
    salt    bytea NOT NULL CHECK (octet_length(salt) = 32),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lifecycle.case_salt IS 'The vault: with its salt a case''s commitments can be opened, without it nobody ever can. Only evidence_lookup reads it.';
COMMENT ON COLUMN lifecycle.case_salt.case_id IS 'The case. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.case_salt.salt IS 'Random; destroyed after the limitation period. Unit: 32 bytes. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.case_salt.made_at IS 'When. Unit: UTC instant. Category: none.';
CREATE TRIGGER case_salt_stays BEFORE UPDATE OR TRUNCATE ON lifecycle.case_salt
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();

-- Whoever signs needs the salts of what is being worked on, and of nothing that is done with.
CREATE FUNCTION lifecycle.open_case_salts(case_ids uuid[]) RETURNS TABLE (case_id uuid, salt bytea)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO lifecycle.case_salt (case_id, salt)
    SELECT c.case_id, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
    FROM lifecycle.erasure_case c
    WHERE c.case_id = ANY ($1) AND c.state = 'open'
    ON CONFLICT DO NOTHING;
    SELECT s.case_id, s.salt
    FROM lifecycle.case_salt s JOIN lifecycle.erasure_case c USING (case_id)
    WHERE s.case_id = ANY ($1) AND c.state = 'open'
$$;
COMMENT ON FUNCTION lifecycle.open_case_salts(uuid[]) IS 'Salts of those of the given cases that are open, made if there are none yet.';

CREATE FUNCTION lifecycle.destroy_salts(closed_before timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH destroyed AS (
        DELETE FROM lifecycle.case_salt s USING lifecycle.erasure_case c
        WHERE c.case_id = s.case_id AND c.state = 'absent' AND c.closed_at < $1
        RETURNING 1
    )
    SELECT count(*) FROM destroyed
$$;
COMMENT ON FUNCTION lifecycle.destroy_salts(timestamptz) IS 'Destroys the salts of cases closed before a moment: nobody can say any more whom they were about. The number destroyed.';
REVOKE ALL ON FUNCTION lifecycle.open_case_salts(uuid[]), lifecycle.destroy_salts(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lifecycle.open_case_salts(uuid[]), lifecycle.destroy_salts(timestamptz) TO evidence_writer;

-- Where bytes may remain.
CREATE TABLE studio.database_backups (
    backup_id  uuid PRIMARY KEY,
    made_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > made_at),
    removed_at timestamptz CHECK (removed_at >= made_at)
);
COMMENT ON TABLE studio.database_backups IS 'Register of backups of the database (policy 3.1): what is in one remains until it is removed.';
COMMENT ON COLUMN studio.database_backups.backup_id IS 'Identifier. Unit: none. Category: none.';
COMMENT ON COLUMN studio.database_backups.made_at IS 'The moment it holds the database of. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN studio.database_backups.expires_at IS 'When it is to be removed. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN studio.database_backups.removed_at IS 'When it was removed, null while it exists. Unit: UTC instant. Category: none.';
CREATE INDEX database_backups_kept ON studio.database_backups (made_at) WHERE removed_at IS NULL;
CREATE INDEX disclosures_upload ON studio.disclosures (upload_id) WHERE upload_id IS NOT NULL;

GRANT SELECT, INSERT, UPDATE (removed_at) ON studio.database_backups TO studio_app;
GRANT SELECT ON studio.database_backups TO studio_auditor, evidence_writer;

GRANT UPDATE (commitments_root, closed_lsn) ON lifecycle.erasure_case TO evidence_writer;
GRANT SELECT, INSERT ON lifecycle.closed_item TO evidence_writer;
GRANT SELECT (order_id, upload_id) ON studio.disclosures TO evidence_writer;

-- Looks up: what a case committed to, for a reviewer who asks about one order. Changes nothing.
GRANT USAGE ON SCHEMA lifecycle TO evidence_lookup;
GRANT SELECT ON lifecycle.case_salt, lifecycle.closed_item, lifecycle.erasure_case, lifecycle.item, lifecycle.run,
    lifecycle.evidence, lifecycle.log_head, lifecycle.log_leaf, lifecycle.log_node, lifecycle.log_checkpoint TO evidence_lookup;
