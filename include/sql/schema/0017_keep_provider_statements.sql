-- What a payment provider says it did, beside our records: only how many lines agree, never the lines.
CREATE TABLE lifecycle.provider_statement (
    statement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider     text NOT NULL CHECK (provider <> ''),
    sha256       text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    period_from  timestamptz NOT NULL,
    period_to    timestamptz NOT NULL CHECK (period_to > period_from),
    lines        bigint NOT NULL CHECK (lines > 0),
    matched      bigint NOT NULL CHECK (matched >= 0),
    missing_here bigint NOT NULL CHECK (missing_here >= 0),
    missing_there bigint NOT NULL CHECK (missing_there >= 0),
    differing    bigint NOT NULL CHECK (differing >= 0),
    other        bigint NOT NULL CHECK (other >= 0),
    compared_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (matched + missing_here + differing + other = lines)
);
COMMENT ON TABLE lifecycle.provider_statement IS 'Comparisons of a provider''s statement with the payment records, hot and archived (policy 3.2).';
COMMENT ON COLUMN lifecycle.provider_statement.statement_id IS 'Running number. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.provider_statement.provider IS 'Whose statement. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.provider_statement.sha256 IS 'Digest of the statement''s file. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.provider_statement.period_from IS 'First moment it covers. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.provider_statement.period_to IS 'Moment up to which, itself not included. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.provider_statement.lines IS 'Lines of the statement. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.provider_statement.matched IS 'Lines that agree with a record to the last decimal. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.provider_statement.missing_here IS 'Lines without a record. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.provider_statement.missing_there IS 'Records of the period without a line. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.provider_statement.differing IS 'Lines whose amount, fee, currency or kind is another. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.provider_statement.other IS 'Lines that are no payment: payouts, adjustments, the provider''s own fees. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.provider_statement.compared_at IS 'When. Unit: UTC instant. Category: none.';
CREATE TRIGGER provider_statement_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.provider_statement
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();

CREATE VIEW lifecycle.provider_statement_latest AS
    SELECT DISTINCT ON (provider, period_from, period_to) provider, period_from, period_to, lines, matched, missing_here,
           missing_there, differing, other, compared_at
    FROM lifecycle.provider_statement
    ORDER BY provider, period_from, period_to, statement_id DESC;
COMMENT ON VIEW lifecycle.provider_statement_latest IS 'Of each provider and period the latest comparison.';

GRANT SELECT, INSERT (provider, sha256, period_from, period_to, lines, matched, missing_here, missing_there, differing, other)
    ON lifecycle.provider_statement TO payment_reader;
GRANT SELECT ON lifecycle.provider_statement, lifecycle.provider_statement_latest TO studio_auditor, evidence_writer, reviewer;
GRANT SELECT ON lifecycle.provider_statement_latest TO payment_reader;
