-- The log: a Merkle tree (RFC 9162) over the exact bytes of every statement. Only the sequencer adds to it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'log_sequencer') THEN
        CREATE ROLE log_sequencer NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
    EXECUTE format('ALTER ROLE log_sequencer IN DATABASE %I SET TimeZone = ''UTC''', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO log_sequencer', current_database());
END
$$;

-- A heartbeat and a change of keys are statements about no run.
ALTER TABLE lifecycle.evidence
    ALTER COLUMN run_id DROP NOT NULL,
    ALTER COLUMN sequence DROP NOT NULL,
    DROP CONSTRAINT evidence_outcome_check,
    ADD CONSTRAINT evidence_outcome_check CHECK (outcome IN ('verified', 'failed', 'planned', 'recorded')),
    ADD CONSTRAINT evidence_of_a_run CHECK ((run_id IS NULL) = (outcome = 'recorded') AND (run_id IS NULL) = (sequence IS NULL));
COMMENT ON COLUMN lifecycle.evidence.run_id IS 'The run it is about; null for heartbeats and changes of keys. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.evidence.sequence IS 'Statement of that run, from 1; null where there is none. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.evidence.outcome IS 'verified, failed or planned (dry run); recorded where there was no run. Unit: none. Category: none.';
CREATE UNIQUE INDEX evidence_recorded_once ON lifecycle.evidence (predicate_type, facts_sha256) WHERE run_id IS NULL;
CREATE INDEX evidence_signed ON lifecycle.evidence (signed_at);

CREATE TABLE lifecycle.log_head (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    tree_size  bigint NOT NULL DEFAULT 0 CHECK (tree_size >= 0),
    root       bytea NOT NULL CHECK (octet_length(root) = 32),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lifecycle.log_head IS 'One row: how far the log is. Its lock keeps sequencers one after the other.';
COMMENT ON COLUMN lifecycle.log_head.one IS 'Always true: there is one head. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.log_head.tree_size IS 'Entries of the log. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.log_head.root IS 'Merkle root over them. Unit: 32 bytes. Category: none.';
COMMENT ON COLUMN lifecycle.log_head.changed_at IS 'When it last grew. Unit: UTC instant. Category: none.';
INSERT INTO lifecycle.log_head (root) VALUES (sha256(''));

CREATE TABLE lifecycle.log_leaf (
    log_index   bigint PRIMARY KEY CHECK (log_index >= 0),
    evidence_id text NOT NULL UNIQUE REFERENCES lifecycle.evidence,
    leaf_hash   bytea NOT NULL CHECK (octet_length(leaf_hash) = 32),
    appended_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lifecycle.log_leaf IS 'Entries of the log in order, without gaps.';
COMMENT ON COLUMN lifecycle.log_leaf.log_index IS 'Place in the log, from 0. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.log_leaf.evidence_id IS 'The statement; each is in the log once. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.log_leaf.leaf_hash IS 'SHA-256 of a zero byte and the envelope''s exact bytes. Unit: 32 bytes. Category: none.';
COMMENT ON COLUMN lifecycle.log_leaf.appended_at IS 'When it got its place. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.log_node (
    level    smallint NOT NULL CHECK (level > 0),
    position bigint NOT NULL CHECK (position >= 0),
    hash     bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (level, position)
);
COMMENT ON TABLE lifecycle.log_node IS 'Roots of complete subtrees, which never change: a proof reads O(log n) of them.';
COMMENT ON COLUMN lifecycle.log_node.level IS 'Height above the leaves. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.log_node.position IS 'Which of its level, from 0. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.log_node.hash IS 'Root of the subtree. Unit: 32 bytes. Category: none.';

CREATE TABLE lifecycle.log_checkpoint (
    tree_size        bigint PRIMARY KEY CHECK (tree_size > 0),
    root             bytea NOT NULL CHECK (octet_length(root) = 32),
    note             bytea NOT NULL,
    published_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    store_version_id text NOT NULL
);
COMMENT ON TABLE lifecycle.log_checkpoint IS 'Signed heads of the log that lie in the locked bucket.';
COMMENT ON COLUMN lifecycle.log_checkpoint.tree_size IS 'Entries it covers. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.log_checkpoint.root IS 'Merkle root over them. Unit: 32 bytes. Category: none.';
COMMENT ON COLUMN lifecycle.log_checkpoint.note IS 'Signed note (C2SP tlog-checkpoint), exact bytes. Unit: bytes. Category: none.';
COMMENT ON COLUMN lifecycle.log_checkpoint.published_at IS 'When it was read back from the bucket. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.log_checkpoint.store_version_id IS 'Version it has there. Unit: none. Category: none.';

CREATE FUNCTION lifecycle.refuse_gap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.log_index > 0 AND NOT EXISTS (SELECT FROM lifecycle.log_leaf WHERE log_index = NEW.log_index - 1) THEN
        RAISE EXCEPTION 'entry % would leave a gap in the log', NEW.log_index USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION lifecycle.refuse_shrinking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.tree_size <= OLD.tree_size THEN
        RAISE EXCEPTION 'the log only grows' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER log_leaf_gap_free BEFORE INSERT ON lifecycle.log_leaf
    FOR EACH ROW EXECUTE FUNCTION lifecycle.refuse_gap();
CREATE TRIGGER log_head_grows BEFORE UPDATE ON lifecycle.log_head
    FOR EACH ROW EXECUTE FUNCTION lifecycle.refuse_shrinking();
CREATE TRIGGER log_head_stays BEFORE DELETE OR TRUNCATE ON lifecycle.log_head
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();
CREATE TRIGGER log_leaf_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.log_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();
CREATE TRIGGER log_node_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.log_node
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();
CREATE TRIGGER log_checkpoint_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.log_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();

GRANT USAGE ON SCHEMA lifecycle TO log_sequencer;
-- Sequences: reads statements, gives them their places; signs nothing about anybody.
GRANT SELECT (evidence_id, predicate_type, envelope, envelope_sha256, signed_at, stored_at, store_version_id)
    ON lifecycle.evidence TO log_sequencer;
GRANT SELECT, INSERT ON lifecycle.log_leaf, lifecycle.log_node, lifecycle.log_checkpoint TO log_sequencer;
GRANT SELECT, UPDATE (tree_size, root, changed_at) ON lifecycle.log_head TO log_sequencer;
-- Everybody who reads statements may read the log: it names nobody.
GRANT SELECT ON lifecycle.log_head, lifecycle.log_leaf, lifecycle.log_node, lifecycle.log_checkpoint
    TO evidence_writer, studio_auditor, reviewer;
