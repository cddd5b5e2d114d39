-- Time from outside: what an authority of RFC 3161 answered about a signed head of the log.
CREATE TABLE lifecycle.log_timestamp (
    tree_size        bigint PRIMARY KEY REFERENCES lifecycle.log_checkpoint,
    token            bytea NOT NULL,
    stamped_at       timestamptz NOT NULL,
    recorded_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    store_version_id text NOT NULL
);
COMMENT ON TABLE lifecycle.log_timestamp IS 'Outside timestamps on signed heads; a head without one waits for the next.';
COMMENT ON COLUMN lifecycle.log_timestamp.tree_size IS 'The head it is about, by its entries. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.log_timestamp.token IS 'The authority''s answer (TimeStampResp, DER), exact bytes. Unit: bytes. Category: none.';
COMMENT ON COLUMN lifecycle.log_timestamp.stamped_at IS 'The time it tells. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.log_timestamp.recorded_at IS 'When it was read back from the bucket. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.log_timestamp.store_version_id IS 'Version it has there. Unit: none. Category: none.';

CREATE TRIGGER log_timestamp_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.log_timestamp
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();

GRANT SELECT, INSERT ON lifecycle.log_timestamp TO log_sequencer;
GRANT SELECT ON lifecycle.log_timestamp TO evidence_writer, studio_auditor, reviewer;
