-- The books say what a file holds; here stands what another credential read in it. Only numbers: no record is kept.
CREATE TABLE lifecycle.archive_examined (
    run_id      bigint NOT NULL REFERENCES lifecycle.run,
    round       integer NOT NULL,
    file_id     uuid NOT NULL REFERENCES lifecycle.archive_file,
    readable    boolean NOT NULL,
    records     bigint,
    orphans     bigint,
    doubled     bigint,
    still_hot   bigint,
    lock_wrong  boolean,
    examined_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, round, file_id),
    CHECK (NOT readable OR (records, orphans, doubled, still_hot, lock_wrong) IS NOT NULL)
);
COMMENT ON TABLE lifecycle.archive_examined IS 'What was found in each current file of the vault: records that are elsewhere too, refunds without their charge, locks that do not follow from the records.';
COMMENT ON COLUMN lifecycle.archive_examined.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_examined.round IS 'The look into the vault it belongs to. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.archive_examined.file_id IS 'The file. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_examined.readable IS 'Whether it could be read as a file of the archive; if not, the counts are null. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.archive_examined.records IS 'Records in it. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.archive_examined.orphans IS 'Records whose charge is not in the same file. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.archive_examined.doubled IS 'Records that are in this file twice, or in an earlier current file of which the books do not say that this one restates them. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.archive_examined.still_hot IS 'Records that are in the hot table too. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.archive_examined.lock_wrong IS 'The vault''s lock ends before the promise to the newest record, or so late that the oldest could not be erased in time. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.archive_examined.examined_at IS 'When. Unit: UTC instant. Category: none.';
CREATE TRIGGER archive_examined_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.archive_examined
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();

CREATE VIEW lifecycle.vault_balance AS
    WITH seen AS (
        SELECT s.run_id, s.round, s.file_id, f.rows
        FROM lifecycle.archive_seen s JOIN lifecycle.archive_file f USING (file_id)
        WHERE s.expected = 'present' AND s.outcome = 'present' AND f.state = 'current' AND f.current_at IS NOT NULL
    )
    SELECT count(*) AS files,
           count(*) FILTER (WHERE e.readable IS NOT TRUE) AS unexamined,
           coalesce(sum(e.records), 0)::bigint AS records,
           count(*) FILTER (WHERE e.records <> seen.rows) AS miscounted,
           coalesce(sum(e.doubled), 0)::bigint AS doubled,
           coalesce(sum(e.still_hot), 0)::bigint AS hot_and_archived,
           coalesce(sum(e.orphans), 0)::bigint AS archived_orphans,
           count(*) FILTER (WHERE e.lock_wrong) AS wrong_locks
    FROM seen LEFT JOIN lifecycle.archive_examined e USING (run_id, round, file_id);
COMMENT ON VIEW lifecycle.vault_balance IS 'One row: what the latest look of the session''s run read in the files that it saw in the vault.';

GRANT SELECT, INSERT (run_id, round, file_id, readable, records, orphans, doubled, still_hot, lock_wrong)
    ON lifecycle.archive_examined TO studio_observer;
GRANT SELECT ON lifecycle.archive_superseded TO studio_observer;
GRANT SELECT (run_id, as_of) ON lifecycle.run TO studio_observer;
GRANT SELECT ON lifecycle.archive_examined, lifecycle.vault_balance TO studio_auditor, evidence_writer;

-- Whoever looks for a record must not be shown what was found in it.
GRANT SELECT (payment_id, column_name, cleared_at) ON lifecycle.payment_quarantine TO payment_reader;
