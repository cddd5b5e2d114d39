-- Legal holds in the store: what is held is flagged there too, so that the store itself refuses to delete it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hold_keeper') THEN
        CREATE ROLE hold_keeper NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
    EXECUTE format('ALTER ROLE hold_keeper IN DATABASE %I SET TimeZone = ''UTC''', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO hold_keeper', current_database());
END
$$;

CREATE TABLE lifecycle.store_hold (
    bucket     text NOT NULL,
    object_key text NOT NULL CHECK (object_key <> ''),
    version_id text NOT NULL CHECK (version_id <> ''),
    upload_id  uuid,
    state      text NOT NULL CHECK (state IN ('intended', 'on', 'clearing')),
    run_id     bigint NOT NULL REFERENCES lifecycle.run,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (bucket, object_key, version_id)
);
CREATE INDEX store_hold_upload ON lifecycle.store_hold (upload_id);
COMMENT ON TABLE lifecycle.store_hold IS 'Versions that the store refuses to delete because we flagged them, or may: written before the flag is asked for, gone with it.';
COMMENT ON COLUMN lifecycle.store_hold.bucket IS 'Bucket. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.store_hold.object_key IS 'Exact key. Unit: none. Category: user.content.self_image.';
COMMENT ON COLUMN lifecycle.store_hold.version_id IS 'Version id. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.store_hold.upload_id IS 'Recorded file it belongs to, null if unrecorded. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.store_hold.state IS 'intended or clearing until the store said yes, on while it is flagged. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.store_hold.run_id IS 'Run that changed it last. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.store_hold.changed_at IS 'When. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.hold_item (
    item_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id     bigint NOT NULL REFERENCES lifecycle.run,
    bucket     text NOT NULL,
    object_key text NOT NULL CHECK (object_key <> ''),
    version_id text NOT NULL CHECK (version_id <> ''),
    upload_id  uuid,
    origin     text NOT NULL CHECK (origin IN ('recorded', 'stray', 'probe', 'left')),
    want       text NOT NULL CHECK (want IN ('on', 'off')),
    state      text NOT NULL DEFAULT 'planned'
               CHECK (state IN ('planned', 'intended', 'stopped', 'accepted', 'gone', 'failed', 'unknown')),
    code       text,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (run_id, bucket, object_key, version_id)
);
COMMENT ON TABLE lifecycle.hold_item IS 'The sealed manifest of flags to change, one exact version a row, and what became of it. What is as it should be has no row.';
COMMENT ON COLUMN lifecycle.hold_item.item_id IS 'Running number. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_item.run_id IS 'Plan it was sealed in. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_item.bucket IS 'Bucket. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_item.object_key IS 'Exact key. Unit: none. Category: user.content.self_image.';
COMMENT ON COLUMN lifecycle.hold_item.version_id IS 'Version id. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_item.upload_id IS 'Recorded file it belongs to, null if unrecorded. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.hold_item.origin IS 'recorded, stray (unrecorded, in the folder of a held file), probe (the set-up''s own) or left (no longer held). Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_item.want IS 'on or off. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_item.state IS 'planned, intended, then what the store answered; stopped: held again since; gone: no such version any more. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_item.code IS 'The store''s error code. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_item.changed_at IS 'Last change of state. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.hold_probe (
    run_id    bigint NOT NULL REFERENCES lifecycle.run,
    round     integer NOT NULL,
    bucket    text NOT NULL,
    outcome   text NOT NULL CHECK (outcome IN ('refused', 'deleted', 'missing', 'unflagged', 'unknown')),
    code      text,
    probed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, round, bucket)
);
COMMENT ON TABLE lifecycle.hold_probe IS 'The eraser tried to delete a flagged version of ours: only a store that refuses enforces holds.';
COMMENT ON COLUMN lifecycle.hold_probe.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_probe.round IS 'How often was tried, from 1; the highest counts. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.hold_probe.bucket IS 'Bucket. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_probe.outcome IS 'refused is what it takes; deleted: not enforced; missing or unflagged: nothing to try. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_probe.code IS 'The store''s error code. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_probe.probed_at IS 'When. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.hold_look (
    run_id    bigint NOT NULL REFERENCES lifecycle.run,
    round     integer NOT NULL,
    bucket    text NOT NULL,
    in_force  bigint NOT NULL,
    flagged   bigint NOT NULL,
    bare      bigint NOT NULL,
    late      bigint NOT NULL,
    left_on   bigint NOT NULL,
    unknown   bigint NOT NULL,
    canaries  bigint NOT NULL,
    canaries_missing bigint NOT NULL,
    looked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, round, bucket)
);
COMMENT ON TABLE lifecycle.hold_look IS 'What another credential read of the flags in a bucket.';
COMMENT ON COLUMN lifecycle.hold_look.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_look.round IS 'How often was looked, from 1; the highest counts. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.hold_look.bucket IS 'Bucket. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_look.in_force IS 'Versions under a hold in force. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.hold_look.flagged IS 'Of them, read as flagged. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.hold_look.bare IS 'Of them, not flagged although there when it was planned. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.hold_look.late IS 'Of them, not flagged since they, or their hold, came after the plan: the next run''s. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.hold_look.left_on IS 'Versions under no hold that are still flagged although the plan was to let go. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.hold_look.unknown IS 'Flags that could not be read. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.hold_look.canaries IS 'Canaries looked for: one flagged, others not. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.hold_look.canaries_missing IS 'Of them, not there or not read as they are. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.hold_look.looked_at IS 'When. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.hold_seen (
    run_id      bigint NOT NULL REFERENCES lifecycle.run,
    round       integer NOT NULL,
    hold_id     uuid NOT NULL,
    basis_class text NOT NULL,
    expires_at  timestamptz NOT NULL,
    files       bigint NOT NULL,
    versions    bigint NOT NULL,
    flagged     bigint NOT NULL,
    PRIMARY KEY (run_id, round, hold_id)
);
COMMENT ON TABLE lifecycle.hold_seen IS 'What the same look came to, hold by hold.';
COMMENT ON COLUMN lifecycle.hold_seen.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_seen.round IS 'As in hold_look. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.hold_seen.hold_id IS 'The hold. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_seen.basis_class IS 'Kind of basis. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.hold_seen.expires_at IS 'Its end. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.hold_seen.files IS 'Files it names, with what was made from them. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.hold_seen.versions IS 'Versions found of them in all buckets. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.hold_seen.flagged IS 'Of them, read as flagged. Unit: count. Category: none.';
CREATE TRIGGER hold_look_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.hold_look
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();
CREATE TRIGGER hold_seen_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.hold_seen
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();
CREATE TRIGGER hold_probe_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.hold_probe
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();

-- What must not be touched now. A file whose hold has ended stays on this list for as long as the store still refuses to
-- delete it: the purge then waits for the flag instead of running against it.
CREATE OR REPLACE VIEW studio.effective_hold AS
    SELECT hold_id, upload_id, expires_at FROM studio.hold_in_force
    UNION ALL
    SELECT NULL::uuid, s.upload_id, NULL::timestamptz FROM lifecycle.store_hold s WHERE s.upload_id IS NOT NULL;
COMMENT ON VIEW studio.effective_hold IS 'Files held at this moment: by a hold that has all it needs, or still flagged in the store after one.';

-- Every file under a hold in force, with what it was named for: what is made from a held file is held with it.
CREATE VIEW studio.held_file AS
    WITH RECURSIVE family AS (
        SELECT h.hold_id, h.basis_class, h.expires_at, h.begun_at, h.upload_id AS root_id, h.upload_id FROM studio.hold_in_force h
        UNION
        SELECT f.hold_id, f.basis_class, f.expires_at, f.begun_at, f.root_id, child.upload_id
        FROM family f
        CROSS JOIN LATERAL (SELECT u.upload_id FROM studio.uploads u WHERE u.derived_from = f.upload_id OFFSET 0) AS child
    )
    SELECT f.hold_id, f.basis_class, f.expires_at, f.begun_at, u.upload_id, u.bucket, u.object_key,
           array(SELECT l.order_id FROM studio.order_uploads l WHERE l.upload_id IN (f.root_id, f.upload_id)) AS order_ids
    FROM family f JOIN studio.uploads u USING (upload_id);
COMMENT ON VIEW studio.held_file IS 'Files under holds in force, one row a hold, with the orders that use them.';

-- One row: the books of the session's run.
CREATE VIEW lifecycle.hold_balance AS
    WITH run AS (
        SELECT run_id, as_of, facts FROM lifecycle.run WHERE run_id = current_setting('lifecycle.run_id')::bigint
    ), item AS (
        SELECT count(*) AS planned,
               count(*) FILTER (WHERE i.state IN ('accepted', 'gone')) AS acted,
               count(*) FILTER (WHERE i.state = 'stopped') AS stopped,
               count(*) FILTER (WHERE i.state NOT IN ('accepted', 'gone', 'stopped')) AS failed,
               count(*) FILTER (WHERE i.state IN ('accepted', 'gone') AND i.want = 'on') AS set_on,
               count(*) FILTER (WHERE i.state IN ('accepted', 'gone') AND i.want = 'off') AS let_go
        FROM lifecycle.hold_item i JOIN run USING (run_id)
    ), look AS (
        SELECT count(*) AS looked_buckets, coalesce(sum(in_force), 0)::bigint AS in_force, coalesce(sum(flagged), 0)::bigint AS flagged,
               coalesce(sum(bare), 0)::bigint AS bare, coalesce(sum(late), 0)::bigint AS late,
               coalesce(sum(left_on), 0)::bigint AS left_on, coalesce(sum(unknown), 0)::bigint AS unknown,
               coalesce(sum(canaries), 0)::bigint AS canaries, coalesce(sum(canaries_missing), 0)::bigint AS canaries_missing,
               count(*) FILTER (WHERE canaries = 0) AS looked_blind
        FROM lifecycle.hold_look JOIN run USING (run_id)
        WHERE round = (SELECT max(l.round) FROM lifecycle.hold_look l JOIN run USING (run_id))
    ), probe AS (
        SELECT count(*) AS probes, count(*) FILTER (WHERE outcome <> 'refused') AS unenforced
        FROM lifecycle.hold_probe JOIN run USING (run_id)
        WHERE round = (SELECT max(p.round) FROM lifecycle.hold_probe p JOIN run USING (run_id))
    ), seen AS (
        SELECT count(*) AS holds FROM lifecycle.hold_seen JOIN run USING (run_id)
        WHERE round = (SELECT max(l.round) FROM lifecycle.hold_look l JOIN run USING (run_id))
    )
    SELECT item.*, planned - acted - stopped - failed AS unbalanced, look.*, probe.*, seen.*,
           (run.facts ->> 'lifted')::bigint AS lifted, (run.facts ->> 'overdue')::bigint AS overdue,
           (run.facts ->> 'flaws_unmended')::bigint AS flaws_unmended
    FROM run, item, look, probe, seen;
COMMENT ON VIEW lifecycle.hold_balance IS 'One row: the books of the session''s run of the legal holds.';

-- Plans and acts: sees holds and files, no customer, no payment, no words of anybody.
GRANT USAGE ON SCHEMA studio, lifecycle TO hold_keeper;
GRANT SELECT ON studio.hold_in_force, studio.held_file, studio.released_hold, studio.flawed_hold, studio.order_uploads TO hold_keeper;
GRANT SELECT (hold_id, placed_at, expires_at, released_at) ON studio.legal_holds TO hold_keeper;
GRANT SELECT (upload_id, bucket, object_key, derived_from, absent_at) ON studio.uploads TO hold_keeper;
GRANT SELECT ON studio.effective_hold TO hold_keeper;
GRANT SELECT, INSERT ON lifecycle.run TO hold_keeper;
GRANT UPDATE (released_at) ON lifecycle.run TO hold_keeper;
GRANT SELECT, INSERT ON lifecycle.hold_item, lifecycle.hold_probe TO hold_keeper;
GRANT UPDATE (state, code, changed_at) ON lifecycle.hold_item TO hold_keeper;
GRANT SELECT, INSERT, DELETE, UPDATE (state, run_id, changed_at) ON lifecycle.store_hold TO hold_keeper;
GRANT SELECT (case_id, order_id, run_id, state) ON lifecycle.erasure_case TO hold_keeper;
GRANT SELECT (case_id, run_id, upload_id, bucket, object_key, kind, version_id, disposition, state, code) ON lifecycle.item TO hold_keeper;

-- Observes, asserts, attests.
GRANT SELECT ON studio.held_file, lifecycle.store_hold, lifecycle.hold_item TO studio_observer;
GRANT SELECT, INSERT ON lifecycle.hold_look, lifecycle.hold_seen TO studio_observer;
GRANT SELECT ON lifecycle.hold_item, lifecycle.hold_probe, lifecycle.hold_look, lifecycle.hold_seen, lifecycle.hold_balance
    TO studio_auditor, evidence_writer;
GRANT SELECT ON lifecycle.hold_probe, lifecycle.hold_look, lifecycle.hold_seen TO reviewer;
