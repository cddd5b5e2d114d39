-- The audit: looks again at what was attested and at the log that attests it. It erases nothing; what came back is made due.
CREATE TABLE lifecycle.audit_case (
    run_id           bigint NOT NULL REFERENCES lifecycle.run,
    case_id          uuid NOT NULL REFERENCES lifecycle.erasure_case,
    epoch            integer NOT NULL,
    why              text NOT NULL CHECK (why IN ('look', 'late', 'again', 'residue', 'sample', 'everything')),
    days             integer,
    closed_at        timestamptz NOT NULL,
    commitments_root bytea NOT NULL CHECK (octet_length(commitments_root) = 32),
    stated           text NOT NULL CHECK (stated IN ('OBSERVED_ABSENT', 'RESIDUE_PENDING', 'RESIDUE_CLEARED', 'RESURRECTED')),
    PRIMARY KEY (run_id, case_id)
);
COMMENT ON TABLE lifecycle.audit_case IS 'The sealed plan of an audit: closed cases to look at again, as they were when it was sealed.';
COMMENT ON COLUMN lifecycle.audit_case.run_id IS 'The audit. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_case.case_id IS 'The case. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_case.epoch IS 'Epoch under which it was closed. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_case.why IS 'look (due by the days since closing), late (such a look that was missed), again (not seen absent last time), residue, sample or everything. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_case.days IS 'The look after closing that this is; null for the others. Unit: days. Category: none.';
COMMENT ON COLUMN lifecycle.audit_case.closed_at IS 'When it was closed. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.audit_case.commitments_root IS 'What the case committed to when it was closed. Unit: 32 bytes. Category: none.';
COMMENT ON COLUMN lifecycle.audit_case.stated IS 'What was claimed of it last. Unit: none. Category: none.';

CREATE TABLE lifecycle.audit_look (
    run_id     bigint NOT NULL,
    round      integer NOT NULL,
    case_id    uuid NOT NULL,
    items      integer NOT NULL CHECK (items >= 0),
    present    integer NOT NULL CHECK (present >= 0),
    accounted  integer NOT NULL CHECK (accounted >= 0),
    unseen     integer NOT NULL CHECK (unseen >= 0),
    looked_at  timestamptz NOT NULL,
    PRIMARY KEY (run_id, round, case_id),
    FOREIGN KEY (run_id, case_id) REFERENCES lifecycle.audit_case
);
COMMENT ON TABLE lifecycle.audit_look IS 'What the observer saw of each case of an audit.';
COMMENT ON COLUMN lifecycle.audit_look.run_id IS 'The audit. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_look.round IS 'How often was looked, from 1; the highest counts. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_look.case_id IS 'The case. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_look.items IS 'Items the closed case committed to, all looked for. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_look.present IS 'Versions, markers and unfinished uploads that are there and should not be. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_look.accounted IS 'Entries in the same folders that came later and legitimately. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_look.unseen IS 'Folders that could not be listed: unknown is not absent. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_look.looked_at IS 'When. Unit: UTC instant. Category: none.';
CREATE TRIGGER audit_look_append_only BEFORE UPDATE OR DELETE ON lifecycle.audit_look
    FOR EACH ROW EXECUTE FUNCTION lifecycle.refuse_change();

CREATE TABLE lifecycle.audit_residue (
    run_id    bigint NOT NULL,
    round     integer NOT NULL,
    case_id   uuid NOT NULL,
    place     text NOT NULL,
    until_at  timestamptz NOT NULL,
    outcome   text NOT NULL CHECK (outcome IN ('early', 'pending', 'cleared')),
    why       text NOT NULL,
    looked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, round, case_id, place),
    FOREIGN KEY (run_id, case_id) REFERENCES lifecycle.audit_case
);
CREATE INDEX audit_residue_case ON lifecycle.audit_residue (case_id);
COMMENT ON TABLE lifecycle.audit_residue IS 'Where bytes of a case may remain, and what a look there showed. Passing time alone clears nothing.';
COMMENT ON COLUMN lifecycle.audit_residue.run_id IS 'The audit. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_residue.round IS 'How often was looked, from 1; the highest counts. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_residue.case_id IS 'The case. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_residue.place IS 'Where. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_residue.until_at IS 'By when it is to be gone. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.audit_residue.outcome IS 'early (not looked for yet), pending (may still be there) or cleared (looked for and gone). Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_residue.why IS 'What decided. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_residue.looked_at IS 'When. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.audit_log (
    run_id             bigint NOT NULL REFERENCES lifecycle.run,
    round              integer NOT NULL,
    first_index        bigint NOT NULL CHECK (first_index >= 0),
    tree_size          bigint NOT NULL CHECK (tree_size >= 0),
    root               bytea NOT NULL CHECK (octet_length(root) = 32),
    entries            bigint NOT NULL,
    sampled            bigint NOT NULL,
    checkpoints        bigint NOT NULL,
    locks              bigint NOT NULL,
    own_plan_found     boolean NOT NULL,
    gaps               bigint NOT NULL,
    days_missing       bigint NOT NULL,
    runs_without_logs  bigint NOT NULL,
    findings           bigint NOT NULL,
    checked_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, round)
);
COMMENT ON TABLE lifecycle.audit_log IS 'How far the evidence log was verified, by database, locked bucket and signed head.';
COMMENT ON COLUMN lifecycle.audit_log.run_id IS 'The audit. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_log.round IS 'How often was checked, from 1; the highest counts. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_log.first_index IS 'First entry read; 0 when the whole log was. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_log.tree_size IS 'Entries of the log then: up to here it was verified. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_log.root IS 'Root recomputed from the exact bytes of the entries. Unit: 32 bytes. Category: none.';
COMMENT ON COLUMN lifecycle.audit_log.entries IS 'Entries read one after the other. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_log.sampled IS 'Older entries read by chance. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_log.checkpoints IS 'Signed heads verified. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_log.locks IS 'Objects of the locked bucket of which the lock was read. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_log.own_plan_found IS 'Whether the audit''s own plan was read back from the bucket: the control that the check sees. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.audit_log.gaps IS 'Days that are declared to have had no heartbeat. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_log.days_missing IS 'Days with neither heartbeat nor declared gap. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_log.runs_without_logs IS 'Runs among the entries of which the bucket has no task log. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_log.findings IS 'Differences found. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_log.checked_at IS 'When. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.audit_finding (
    run_id  bigint NOT NULL,
    round   integer NOT NULL,
    number  integer NOT NULL,
    what    text NOT NULL,
    subject text NOT NULL,
    PRIMARY KEY (run_id, round, number),
    FOREIGN KEY (run_id, round) REFERENCES lifecycle.audit_log
);
COMMENT ON TABLE lifecycle.audit_finding IS 'Each difference between database, locked bucket and signed head, by name.';
COMMENT ON COLUMN lifecycle.audit_finding.run_id IS 'The audit. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_finding.round IS 'Round of the check. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_finding.number IS 'Number within it, from 1. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_finding.what IS 'Kind of difference. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_finding.subject IS 'Entry, checkpoint, statement or day it concerns. Unit: none. Category: none.';
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();
CREATE TRIGGER audit_finding_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.audit_finding
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();

CREATE TABLE lifecycle.audit_forgotten (
    run_id        bigint NOT NULL REFERENCES lifecycle.run,
    round         integer NOT NULL,
    closed_before timestamptz NOT NULL,
    destroyed     bigint NOT NULL,
    forgotten_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, round)
);
COMMENT ON TABLE lifecycle.audit_forgotten IS 'Destruction of salts after the limitation period: the cases'' items can never be named again.';
COMMENT ON COLUMN lifecycle.audit_forgotten.run_id IS 'The audit. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_forgotten.round IS 'How often, from 1; all rounds add up. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_forgotten.closed_before IS 'Salts of cases closed before this moment were due. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.audit_forgotten.destroyed IS 'Salts destroyed. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_forgotten.forgotten_at IS 'When. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.audit_state (
    case_id         uuid PRIMARY KEY REFERENCES lifecycle.erasure_case,
    epoch           integer NOT NULL,
    looked_at       timestamptz NOT NULL,
    verdict         text NOT NULL CHECK (verdict IN ('absent', 'back', 'unknown')),
    stated          text NOT NULL CHECK (stated IN ('OBSERVED_ABSENT', 'RESIDUE_PENDING', 'RESIDUE_CLEARED', 'RESURRECTED')),
    next_look_at    timestamptz,
    next_residue_at timestamptz
);
COMMENT ON TABLE lifecycle.audit_state IS 'What the last attested audit of a case saw, and when the next is due. A case closed anew has another epoch and begins anew.';
COMMENT ON COLUMN lifecycle.audit_state.case_id IS 'The case. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_state.epoch IS 'Epoch under which it was closed. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.audit_state.looked_at IS 'As of when it was looked at last. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.audit_state.verdict IS 'absent, back or unknown. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_state.stated IS 'What was claimed of it last. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.audit_state.next_look_at IS 'When the next look is due; null when only chance brings it back. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.audit_state.next_residue_at IS 'When residue is to be looked for next; null when none is left to look for. Unit: UTC instant. Category: none.';

-- Who missed a canary, or had none to find, has seen nothing: what it did not see is unknown, not absent.
CREATE VIEW lifecycle.audit_verdict AS
    SELECT a.run_id, a.case_id, a.epoch, a.why, a.closed_at, a.commitments_root, a.stated, l.items, l.present, l.accounted,
           CASE WHEN l.present > 0 THEN 'back'
                WHEN l.case_id IS NULL OR l.unseen > 0 OR NOT coalesce(seen.controls, false) THEN 'unknown'
                ELSE 'absent' END AS verdict
    FROM lifecycle.audit_case a
    LEFT JOIN LATERAL (SELECT max(o.round) AS round FROM lifecycle.observation o WHERE o.run_id = a.run_id) AS latest ON true
    LEFT JOIN LATERAL (SELECT bool_and(o.outcome = 'present') AS controls FROM lifecycle.observation o
                       WHERE o.run_id = a.run_id AND o.round = latest.round AND o.subject = 'canary') AS seen ON true
    LEFT JOIN lifecycle.audit_look l ON l.run_id = a.run_id AND l.case_id = a.case_id AND l.round = latest.round;
COMMENT ON VIEW lifecycle.audit_verdict IS 'Each case of each audit with what was seen of it last: absent, back or unknown.';

CREATE VIEW lifecycle.audited AS
    SELECT case_id, why, verdict FROM lifecycle.audit_verdict WHERE run_id = current_setting('lifecycle.run_id')::bigint;
COMMENT ON VIEW lifecycle.audited IS 'Cases of the session''s audit.';

CREATE VIEW lifecycle.audit_balance AS
    WITH me AS (
        SELECT run_id, (facts ->> 'closed_cases')::bigint AS closed_cases FROM lifecycle.run
        WHERE run_id = current_setting('lifecycle.run_id')::bigint
    ), looked AS (
        SELECT count(*) AS eligible, count(*) FILTER (WHERE verdict = 'absent') AS acted,
               count(*) FILTER (WHERE verdict = 'back') AS back, count(*) FILTER (WHERE verdict = 'unknown') AS unknown,
               coalesce(sum(items), 0)::bigint AS items, coalesce(sum(present), 0)::bigint AS survivors,
               coalesce(sum(accounted), 0)::bigint AS accounted
        FROM lifecycle.audit_verdict WHERE run_id = (SELECT run_id FROM me)
    ), controls AS (
        SELECT count(*) AS canaries, count(*) FILTER (WHERE outcome <> 'present') AS canaries_missing
        FROM lifecycle.observation
        WHERE run_id = (SELECT run_id FROM me) AND subject = 'canary'
          AND round = (SELECT max(round) FROM lifecycle.observation WHERE run_id = (SELECT run_id FROM me))
    ), log AS (
        SELECT count(*) AS log_checks, coalesce(max(tree_size), 0) AS log_size, coalesce(max(entries), 0) AS log_entries,
               coalesce(max(sampled), 0) AS log_sampled, coalesce(max(checkpoints), 0) AS checkpoints,
               coalesce(max(locks), 0) AS locks, count(*) FILTER (WHERE own_plan_found) AS own_plan,
               coalesce(max(gaps), 0) AS gaps, coalesce(max(days_missing), 0) AS days_missing,
               coalesce(max(runs_without_logs), 0) AS runs_without_logs, coalesce(max(findings), 0) AS findings
        FROM lifecycle.audit_log
        WHERE run_id = (SELECT run_id FROM me)
          AND round = (SELECT max(round) FROM lifecycle.audit_log WHERE run_id = (SELECT run_id FROM me))
    ), residue AS (
        SELECT count(*) FILTER (WHERE outcome = 'cleared') AS residue_cleared,
               count(*) FILTER (WHERE outcome = 'pending') AS residue_pending,
               count(*) FILTER (WHERE outcome = 'early') AS residue_early,
               count(DISTINCT round) AS residue_looks
        FROM lifecycle.audit_residue
        WHERE run_id = (SELECT run_id FROM me)
          AND round = (SELECT max(round) FROM lifecycle.audit_residue WHERE run_id = (SELECT run_id FROM me))
    ), forgotten AS (
        SELECT count(*) AS forgettings, coalesce(sum(destroyed), 0)::bigint AS salts_destroyed,
               max(closed_before) AS closed_before
        FROM lifecycle.audit_forgotten WHERE run_id = (SELECT run_id FROM me)
    ), remaining AS (
        SELECT count(*) AS salts_remaining
        FROM lifecycle.case_salt s JOIN lifecycle.erasure_case c USING (case_id)
        WHERE c.state = 'absent' AND c.closed_at < (SELECT closed_before FROM forgotten)
    )
    SELECT looked.eligible, looked.acted, 0::bigint AS held, looked.back + looked.unknown AS failed, looked.back, looked.unknown,
           looked.items, looked.survivors, looked.accounted, me.closed_cases,
           (CASE WHEN me.closed_cases > 0 AND looked.eligible = 0 THEN 1 ELSE 0 END)::bigint AS nothing_chosen,
           controls.*, log.*, residue.*, forgotten.forgettings, forgotten.salts_destroyed, remaining.salts_remaining
    FROM me, looked, controls, log, residue, forgotten, remaining;
COMMENT ON VIEW lifecycle.audit_balance IS 'One row: the books of the session''s audit.';

-- Only what an audit saw can be made due again, and only by the facts it noted: whoever calls this decides nothing.
CREATE FUNCTION lifecycle.make_due_again(audit bigint) RETURNS TABLE (case_id uuid, reopened boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    found record;
    again boolean;
BEGIN
    -- In the order in which a purge that closes cases takes its locks.
    PERFORM 1 FROM studio.orders o
    WHERE o.order_id IN (SELECT c.order_id FROM lifecycle.audit_verdict v JOIN lifecycle.erasure_case c USING (case_id)
                         WHERE v.run_id = audit AND v.verdict = 'back')
    ORDER BY o.order_id FOR UPDATE;
    FOR found IN
        SELECT c.case_id, c.pipeline, c.order_id, c.reason, c.anchor_at, v.run_id
        FROM lifecycle.audit_verdict v JOIN lifecycle.erasure_case c USING (case_id)
        WHERE v.run_id = audit AND v.verdict = 'back' AND c.state = 'absent' AND c.epoch = v.epoch
        ORDER BY c.order_id, c.closed_at DESC
        FOR UPDATE OF c
    LOOP
        INSERT INTO lifecycle.resurfaced (order_id, run_id) VALUES (found.order_id, audit) ON CONFLICT DO NOTHING;
        -- A file that is there again must not be recorded as absent.
        UPDATE studio.uploads u SET absent_at = NULL
        FROM lifecycle.observation o
        WHERE o.run_id = audit AND o.case_id = found.case_id AND o.subject = 'survivor' AND o.outcome = 'present'
          AND o.round = (SELECT max(l.round) FROM lifecycle.audit_look l WHERE l.run_id = audit)
          AND u.object_key = o.object_key;
        -- A restored database has forgotten what the case knows: that a person asked, that the order ended.
        UPDATE studio.orders o
        SET photo_state = 'present',
            erase_requested_at = CASE WHEN found.reason = 'request' THEN coalesce(o.erase_requested_at, found.anchor_at)
                                      ELSE o.erase_requested_at END
        WHERE o.order_id = found.order_id;
        INSERT INTO studio.order_events (order_id, kind, occurred_at)
        SELECT o.order_id, 'expired', found.anchor_at  -- how it ended is not known any more
        FROM studio.orders o
        WHERE o.order_id = found.order_id AND found.reason = 'terminal' AND o.terminal_at IS NULL
          AND (o.reopened_at IS NULL OR o.reopened_at < found.anchor_at);
        -- One open case an order: if there is another, that one erases what came back.
        again := NOT EXISTS (SELECT FROM lifecycle.erasure_case d
                             WHERE d.pipeline = found.pipeline AND d.order_id = found.order_id AND d.state = 'open');
        IF again THEN
            UPDATE lifecycle.erasure_case c
            SET state = 'open', epoch = c.epoch + 1, closed_at = NULL, closed_lsn = NULL, commitments_root = NULL
            WHERE c.case_id = found.case_id;
        END IF;
        case_id := found.case_id;
        reopened := again;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION lifecycle.make_due_again(bigint) IS 'Makes due again what an audit saw come back: its orders are planned by the next purge, its cases are open again.';

-- The oldest bytes that the files of the write-ahead log still hold. A recycled file has a new name and, up to where it was
-- written again, the old pages: so each file is asked by the addresses in its first and last page, not by its name.
CREATE FUNCTION lifecycle.oldest_wal() RETURNS pg_lsn
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT min('0/0'::pg_lsn + address.bytes)
    FROM pg_ls_waldir() AS file (name, size, modification)
    CROSS JOIN LATERAL (VALUES (0::bigint), (file.size - current_setting('wal_block_size')::bigint)) AS page (start)
    CROSS JOIN LATERAL (SELECT pg_read_binary_file('pg_wal/' || file.name, page.start + 8, 8, true)) AS raw (header)
    CROSS JOIN LATERAL (SELECT sum(get_byte(raw.header, n) * (256::numeric ^ n)) FROM generate_series(0, 7) AS n) AS address (bytes)
    WHERE file.name ~ '^[0-9A-F]{24}$' AND octet_length(raw.header) = 8 AND address.bytes > 0
$$;
COMMENT ON FUNCTION lifecycle.oldest_wal() IS 'Address of the oldest page in the files of the write-ahead log; null when it cannot be told.';
REVOKE ALL ON FUNCTION lifecycle.make_due_again(bigint), lifecycle.oldest_wal() FROM PUBLIC;

-- Each duty as in the purge: the reader chooses, the observer looks, the auditor verifies, the writer states.
GRANT SELECT, INSERT ON lifecycle.audit_case TO studio_reader;
GRANT SELECT ON lifecycle.audit_state, lifecycle.audit_log TO studio_reader;
GRANT SELECT ON lifecycle.audit_case, lifecycle.closed_item TO studio_observer;
GRANT SELECT, INSERT ON lifecycle.audit_look TO studio_observer;
GRANT SELECT ON lifecycle.audit_case, lifecycle.audit_look, lifecycle.audit_verdict, lifecycle.audited, lifecycle.audit_balance,
    lifecycle.audit_state, lifecycle.audit_forgotten TO studio_auditor, evidence_writer;
GRANT SELECT, INSERT ON lifecycle.audit_log, lifecycle.audit_finding, lifecycle.audit_residue TO studio_auditor;
GRANT SELECT ON lifecycle.audit_log, lifecycle.audit_finding, lifecycle.audit_residue TO evidence_writer;
GRANT EXECUTE ON FUNCTION lifecycle.oldest_wal() TO studio_auditor;
-- Dead rows are removed by whoever erases.
GRANT MAINTAIN ON studio.orders, studio.uploads, lifecycle.item TO studio_eraser;
GRANT INSERT ON lifecycle.audit_forgotten TO evidence_writer;
GRANT INSERT, UPDATE ON lifecycle.audit_state TO evidence_writer;
GRANT EXECUTE ON FUNCTION lifecycle.make_due_again(bigint) TO evidence_writer;
GRANT SELECT ON lifecycle.audit_log, lifecycle.audit_finding, lifecycle.audit_forgotten TO reviewer;
