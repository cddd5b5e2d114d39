-- The pipelines' own memory: what was planned, done, observed, asserted, attested.
CREATE TABLE lifecycle.run (
    run_id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pipeline        text NOT NULL,
    dag_run_id      text NOT NULL,
    attempt         integer NOT NULL,
    as_of           timestamptz NOT NULL,
    dry_run         boolean NOT NULL,
    policy_id       text NOT NULL,
    policy_version  text NOT NULL,
    policy_sha256   text NOT NULL,
    code_sha        text NOT NULL,
    planned_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    manifest_sha256 text NOT NULL,
    batches         integer NOT NULL,
    facts           jsonb NOT NULL,
    released_at     timestamptz,
    state           text NOT NULL DEFAULT 'planned'
                    CHECK (state IN ('planned', 'verified', 'failed')),
    finished_at     timestamptz,
    UNIQUE (pipeline, dag_run_id, attempt)
);
COMMENT ON TABLE lifecycle.run IS 'One plan of one pipeline: its moment, policy and code, sealed by the hash of its manifest.';
COMMENT ON COLUMN lifecycle.run.run_id IS 'Running number, named in logs. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.run.pipeline IS 'DAG id. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.run.dag_run_id IS 'Airflow''s run id. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.run.attempt IS 'How often this DAG run planned, from 1. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.run.as_of IS 'The moment dues were judged at. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.run.dry_run IS 'Stops after the plan. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.run.policy_id IS 'Policy applied. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.run.policy_version IS 'Its version. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.run.policy_sha256 IS 'Digest of the policy file. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.run.code_sha IS 'Commit of the code that planned. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.run.planned_at IS 'When the plan was sealed. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.run.manifest_sha256 IS 'Digest of the sealed, sorted manifest. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.run.batches IS 'Batches the work is cut into. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.run.facts IS 'Counts known at planning. Unit: see keys. Category: none.';
COMMENT ON COLUMN lifecycle.run.released_at IS 'When guard let the plan go; null: nothing may be erased for it. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.run.state IS 'planned until attested, then verified (every assertion held) or failed. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.run.finished_at IS 'When it was attested. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.erasure_case (
    case_id     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    pipeline    text NOT NULL,
    order_id    text NOT NULL,
    anchor_at   timestamptz NOT NULL,
    reason      text NOT NULL CHECK (reason IN ('terminal', 'inactivity', 'request')),
    start_at    timestamptz NOT NULL,
    deadline_at timestamptz NOT NULL,
    run_id      bigint NOT NULL REFERENCES lifecycle.run,
    epoch       integer NOT NULL DEFAULT 1,
    batch       integer NOT NULL,
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'absent')),
    opened_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at   timestamptz
);
-- A case is a business fact (this order's files, now due), whatever runs or tries work on it: one open case an order.
CREATE UNIQUE INDEX erasure_case_open ON lifecycle.erasure_case (pipeline, order_id) WHERE state = 'open';
CREATE INDEX erasure_case_run ON lifecycle.erasure_case (run_id);
CREATE INDEX erasure_case_order ON lifecycle.erasure_case (order_id);
COMMENT ON TABLE lifecycle.erasure_case IS 'One order whose files fell due, from plan to attested absence. Its random id stands for it in logs and evidence.';
COMMENT ON COLUMN lifecycle.erasure_case.case_id IS 'Random name of the case. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.erasure_case.pipeline IS 'Pipeline responsible. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.erasure_case.order_id IS 'The order. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.erasure_case.anchor_at IS 'What the clock started from. Unit: UTC instant. Category: user.behavior.';
COMMENT ON COLUMN lifecycle.erasure_case.reason IS 'Why it is due: terminal event, inactivity or request. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.erasure_case.start_at IS 'Earliest moment to erase. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.erasure_case.deadline_at IS 'Moment by which absence must be verified. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.erasure_case.run_id IS 'Run that holds the claim now. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.erasure_case.epoch IS 'Rises with each claim; state changes of an older epoch have no effect. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.erasure_case.batch IS 'Batch it is worked in, from 0. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.erasure_case.state IS 'open, or absent once attested. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.erasure_case.opened_at IS 'First planned. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.erasure_case.closed_at IS 'Attested absent. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.item (
    item_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id      bigint NOT NULL REFERENCES lifecycle.run,
    case_id     uuid NOT NULL REFERENCES lifecycle.erasure_case,
    epoch       integer NOT NULL,
    rule_id     text NOT NULL,
    upload_id   uuid,
    origin      text NOT NULL CHECK (origin IN ('original', 'derivative', 'unrecorded', 'late')),
    bucket      text NOT NULL CHECK (bucket <> ''),
    object_key  text NOT NULL CHECK (object_key <> ''),
    kind        text NOT NULL CHECK (kind IN ('version', 'marker', 'multipart', 'nothing')),
    version_id  text NOT NULL CHECK (version_id <> ''),
    bytes       bigint NOT NULL CHECK (bytes >= 0),
    disposition text NOT NULL CHECK (disposition IN ('erase', 'hold', 'keep')),
    state       text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'intended', 'stopped', 'accepted', 'failed', 'unknown')),
    code        text,
    changed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (run_id, bucket, object_key, kind, version_id)
) WITH (fillfactor = 50);  -- each row changes its state twice: room for that in its page spares every index an entry
-- With the run: a freshly written manifest has no statistics yet, and both are always asked for together.
CREATE INDEX item_case ON lifecycle.item (case_id, run_id);
CREATE INDEX item_upload ON lifecycle.item (upload_id) WHERE upload_id IS NOT NULL;
COMMENT ON TABLE lifecycle.item IS 'The sealed manifest, one exact version, marker or unfinished upload a row, and what became of it.';
COMMENT ON COLUMN lifecycle.item.item_id IS 'Running number. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.item.run_id IS 'Plan it was sealed in. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.item.case_id IS 'Its case. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.item.epoch IS 'Epoch of the claim it was sealed under. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.item.rule_id IS 'Rule of the policy file it falls under. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.item.upload_id IS 'Recorded file it belongs to, null if unrecorded. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.item.origin IS 'original, derivative, unrecorded, or late (appeared after sealing). Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.item.bucket IS 'Bucket. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.item.object_key IS 'Exact key. Unit: none. Category: user.content.self_image.';
COMMENT ON COLUMN lifecycle.item.kind IS 'version, marker, multipart, or nothing: a recorded file of which the store had no trace at planning. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.item.version_id IS 'Version id or upload id; "-" for nothing. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.item.bytes IS 'Size. Unit: bytes. Category: none.';
COMMENT ON COLUMN lifecycle.item.disposition IS 'erase, hold (legal hold) or keep (shared or not yet due). Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.item.state IS 'planned, intended, then what the store answered (acceptance is not absence); stopped by a hold, a reopening or a sharing found later. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.item.code IS 'The store''s error code. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.item.changed_at IS 'Last change of state. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.observation (
    run_id      bigint NOT NULL REFERENCES lifecycle.run,
    round       integer NOT NULL,
    case_id     uuid REFERENCES lifecycle.erasure_case,
    item_id     bigint REFERENCES lifecycle.item,
    subject     text NOT NULL CHECK (subject IN ('item', 'survivor', 'canary')),
    disposition text CHECK (disposition IN ('erase', 'hold', 'keep')),
    bucket      text NOT NULL,
    object_key  text NOT NULL,
    kind        text NOT NULL,
    version_id  text NOT NULL,
    bytes       bigint NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('absent', 'present', 'unknown')),
    code        text,
    observed_at timestamptz NOT NULL
);
CREATE INDEX observation_run ON lifecycle.observation (run_id, round);
COMMENT ON TABLE lifecycle.observation IS 'What another credential saw in the store after acting: one row an item, and one for each survivor and canary.';
COMMENT ON COLUMN lifecycle.observation.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.observation.round IS 'How often was looked, from 1; the highest counts. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.observation.case_id IS 'The case; null for canaries. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.observation.item_id IS 'The sealed item; null for survivors and canaries. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.observation.subject IS 'item, survivor (there, but not sealed) or canary (must be found). Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.observation.disposition IS 'What was to happen to it. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.observation.bucket IS 'Bucket looked at. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.observation.object_key IS 'Exact key. Unit: none. Category: user.content.self_image.';
COMMENT ON COLUMN lifecycle.observation.kind IS 'version, marker or multipart. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.observation.version_id IS 'Version id or upload id. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.observation.bytes IS 'Size listed. Unit: bytes. Category: none.';
COMMENT ON COLUMN lifecycle.observation.outcome IS 'absent, present, or unknown (the store did not say). Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.observation.code IS 'Why it is unknown. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.observation.observed_at IS 'When was looked. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.sweep (
    run_id            bigint NOT NULL REFERENCES lifecycle.run,
    round             integer NOT NULL,
    bucket            text NOT NULL,
    listed            bigint NOT NULL,
    owned             bigint NOT NULL,
    held              bigint NOT NULL,
    overdue           bigint NOT NULL,
    orphans           bigint NOT NULL,
    aged_orphans      bigint NOT NULL,
    canaries          bigint NOT NULL,
    oldest_orphan_at  timestamptz,
    swept_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, round, bucket)
);
COMMENT ON TABLE lifecycle.sweep IS 'Inventory of a whole bucket, every entry classified: nothing overdue may hide outside the plan.';
COMMENT ON COLUMN lifecycle.sweep.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.sweep.round IS 'How often was swept, from 1; the highest counts. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.sweep.bucket IS 'Bucket. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.sweep.listed IS 'Entries listed: versions, markers, unfinished uploads. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.sweep.owned IS 'Entries of an order that may still keep them. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.sweep.held IS 'Entries under legal hold. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.sweep.overdue IS 'Entries of an order past its deadline, not held. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.sweep.orphans IS 'Entries that no order accounts for. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.sweep.aged_orphans IS 'Of those, older than the policy''s reporting age. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.sweep.canaries IS 'Canary entries seen; zero voids the sweep. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.sweep.oldest_orphan_at IS 'Age of the oldest orphan. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.sweep.swept_at IS 'When. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.canary (
    bucket     text NOT NULL,
    object_key text NOT NULL CHECK (object_key LIKE 'canary/%'),
    kind       text NOT NULL CHECK (kind IN ('version', 'marker', 'multipart')),
    version_id text NOT NULL,
    PRIMARY KEY (bucket, object_key, kind, version_id)
);
COMMENT ON TABLE lifecycle.canary IS 'Entries put into each bucket at set-up that every observation must find, or it saw nothing.';
COMMENT ON COLUMN lifecycle.canary.bucket IS 'Bucket. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.canary.object_key IS 'Key, below canary/. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.canary.kind IS 'version, marker or multipart. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.canary.version_id IS 'Version id or upload id. Unit: none. Category: none.';

CREATE TABLE lifecycle.resurfaced (
    order_id text NOT NULL,
    run_id   bigint NOT NULL REFERENCES lifecycle.run,
    found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (order_id, run_id)
);
COMMENT ON TABLE lifecycle.resurfaced IS 'Orders of which a sweep found entries that should be gone: the next plan judges them again.';
COMMENT ON COLUMN lifecycle.resurfaced.order_id IS 'The order. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.resurfaced.run_id IS 'Run whose sweep found them. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.resurfaced.found_at IS 'When. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.assertion (
    run_id      bigint NOT NULL REFERENCES lifecycle.run,
    round       integer NOT NULL,
    name        text NOT NULL,
    success     boolean NOT NULL,
    observed    text,
    expected    text NOT NULL,
    asserted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, round, name)
);
COMMENT ON TABLE lifecycle.assertion IS 'Outcome of each expectation over a run''s observations.';
COMMENT ON COLUMN lifecycle.assertion.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.assertion.round IS 'How often was asserted, from 1; the highest counts. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.assertion.name IS 'Name of the expectation in the suite. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.assertion.success IS 'Whether it held. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.assertion.observed IS 'Count observed. Unit: see name. Category: none.';
COMMENT ON COLUMN lifecycle.assertion.expected IS 'What was expected. Unit: see name. Category: none.';
COMMENT ON COLUMN lifecycle.assertion.asserted_at IS 'When. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.evidence (
    evidence_id      text PRIMARY KEY,
    run_id           bigint NOT NULL REFERENCES lifecycle.run,
    sequence         integer NOT NULL,
    predicate_type   text NOT NULL,
    outcome          text NOT NULL CHECK (outcome IN ('verified', 'failed', 'planned')),
    facts_sha256     text NOT NULL,
    key_id           text NOT NULL,
    envelope         bytea NOT NULL,
    envelope_sha256  text NOT NULL,
    signed_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    stored_at        timestamptz,
    store_version_id text,
    UNIQUE (run_id, sequence),
    UNIQUE (run_id, facts_sha256)
);
CREATE INDEX evidence_unstored ON lifecycle.evidence (signed_at) WHERE stored_at IS NULL;
COMMENT ON TABLE lifecycle.evidence IS 'Signed statements; written here first, then to the locked bucket, so that a crash between the two loses none.';
COMMENT ON COLUMN lifecycle.evidence.evidence_id IS 'Name, also the key in the evidence bucket. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.evidence.run_id IS 'The run it is about. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.evidence.sequence IS 'Statement of that run, from 1. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.evidence.predicate_type IS 'in-toto predicate type. Unit: URI. Category: none.';
COMMENT ON COLUMN lifecycle.evidence.outcome IS 'verified, failed or planned (dry run). Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.evidence.facts_sha256 IS 'Digest of what is stated, times of signing aside: the same facts are stated once. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.evidence.key_id IS 'Signing key. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.evidence.envelope IS 'DSSE envelope, exact bytes. Unit: bytes. Category: none.';
COMMENT ON COLUMN lifecycle.evidence.envelope_sha256 IS 'Its digest. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.evidence.signed_at IS 'When it was signed. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.evidence.stored_at IS 'When it was read back from the locked bucket. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.evidence.store_version_id IS 'Version it has there. Unit: none. Category: none.';

CREATE FUNCTION lifecycle.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER evidence_no_delete BEFORE DELETE ON lifecycle.evidence
    FOR EACH ROW EXECUTE FUNCTION lifecycle.refuse_change();
CREATE TRIGGER evidence_no_truncate BEFORE TRUNCATE ON lifecycle.evidence
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();
CREATE TRIGGER observation_append_only BEFORE UPDATE OR DELETE ON lifecycle.observation
    FOR EACH ROW EXECUTE FUNCTION lifecycle.refuse_change();
