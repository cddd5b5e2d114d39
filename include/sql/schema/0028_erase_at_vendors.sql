-- Erasure at vendors: what a vendor got of a case is asked back once, under one key, and followed until it is proven gone.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vendor_eraser') THEN
        CREATE ROLE vendor_eraser NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
    END IF;
    EXECUTE format('ALTER ROLE vendor_eraser IN DATABASE %I SET TimeZone = ''UTC''', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO vendor_eraser', current_database());
END
$$;

CREATE TABLE lifecycle.vendor_erasure (
    erasure_id      uuid PRIMARY KEY,
    case_id         uuid NOT NULL REFERENCES lifecycle.erasure_case,
    vendor          text NOT NULL CHECK (vendor <> ''),
    part            integer NOT NULL CHECK (part > 0),
    connector       text NOT NULL,
    mode            text NOT NULL CHECK (mode IN ('sync', 'async', 'ttl_only', 'manual')),
    confirms        text NOT NULL CHECK (confirms IN ('none', 'accepted', 'completed', 'verified')),
    max_residual    interval NOT NULL CHECK (max_residual >= '0'),
    register_sha256 text NOT NULL,
    idempotency_key text NOT NULL UNIQUE CHECK (idempotency_key ~ '^[a-z0-9-]{16,64}$'),
    state           text NOT NULL DEFAULT 'planned'
                    CHECK (state IN ('planned', 'submitted', 'accepted', 'in_progress', 'completed', 'verified', 'residual_until',
                                     'rejected', 'unreachable', 'manual')),
    sight           text CHECK (sight IN ('absent', 'present', 'unknowable')),
    code            text,
    reference       text,
    attempts        integer NOT NULL DEFAULT 0,
    run_id          bigint NOT NULL REFERENCES lifecycle.run,
    epoch           integer NOT NULL DEFAULT 1,
    planned_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    submitted_at    timestamptz,
    accepted_at     timestamptz,
    completed_at    timestamptz,
    verified_at     timestamptz,
    residual_until  timestamptz,
    next_poll_at    timestamptz,
    changed_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (case_id, vendor, part),
    CHECK ((state = 'verified') = (verified_at IS NOT NULL)),
    -- Whatever code says so: only what was looked for and not found, at a vendor that can show it, is verified.
    CHECK (state <> 'verified' OR (sight IS NOT DISTINCT FROM 'absent' AND confirms = 'verified' AND completed_at IS NOT NULL)),
    CHECK ((state = 'residual_until') = (residual_until IS NOT NULL)),
    CHECK (state NOT IN ('accepted', 'in_progress', 'completed', 'residual_until') OR accepted_at IS NOT NULL)
);
CREATE INDEX vendor_erasure_due ON lifecycle.vendor_erasure (next_poll_at) WHERE next_poll_at IS NOT NULL;
CREATE INDEX vendor_erasure_open ON lifecycle.vendor_erasure (state) WHERE state <> 'verified';
COMMENT ON TABLE lifecycle.vendor_erasure IS 'What one vendor got of one case, asked back under one key (policy 3.2, 4.3). Its random id stands for it at the vendor and in logs.';
COMMENT ON COLUMN lifecycle.vendor_erasure.erasure_id IS 'Random name, the subject_request_id of OpenDSR. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.case_id IS 'The case. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.vendor IS 'Who got it. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.part IS 'From 1; a further one for what came to light, or was released by a hold, later. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.connector IS 'How it is asked, as the register said when it was planned. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.mode IS 'sync, async, ttl_only or manual, likewise. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.confirms IS 'The most that this vendor can confirm, likewise. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.max_residual IS 'How long something may remain after that, likewise. Unit: elapsed time. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.register_sha256 IS 'Register it was planned with. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.idempotency_key IS 'The same for every try, for ever. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.state IS 'How far it is: 2xx is accepted, the vendor''s word is completed, only a look is verified; residual_until is as far as this vendor goes for now. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.sight IS 'What the last look showed, null before any. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.code IS 'Why it is no further. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.reference IS 'The vendor''s own name of the job. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.attempts IS 'How often the vendor was asked, in any way. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.run_id IS 'Run that works on it now. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.epoch IS 'Rises with each claim; changes of an older epoch have no effect. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.planned_at IS 'When it was planned. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.submitted_at IS 'As of when it was sent first. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.accepted_at IS 'As of when the vendor took it. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.completed_at IS 'As of when the vendor said it was done. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.verified_at IS 'As of when it was looked for and not found. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.residual_until IS 'Until when something may remain by the register; time alone verifies nothing. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.next_poll_at IS 'When it is worked on next; null for never. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure.changed_at IS 'Last change. Unit: UTC instant. Category: none.';

-- One disclosure is asked back once: a second erasure of it cannot be made.
CREATE TABLE lifecycle.vendor_erasure_item (
    disclosure_id uuid PRIMARY KEY REFERENCES studio.disclosures,
    erasure_id    uuid NOT NULL REFERENCES lifecycle.vendor_erasure
);
CREATE INDEX vendor_erasure_item_erasure ON lifecycle.vendor_erasure_item (erasure_id);
COMMENT ON TABLE lifecycle.vendor_erasure_item IS 'The disclosures an erasure is about.';
COMMENT ON COLUMN lifecycle.vendor_erasure_item.disclosure_id IS 'The act of sending. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.vendor_erasure_item.erasure_id IS 'The erasure. Unit: none. Category: none.';

CREATE TABLE lifecycle.vendor_erasure_work (
    run_id     bigint NOT NULL REFERENCES lifecycle.run,
    erasure_id uuid NOT NULL REFERENCES lifecycle.vendor_erasure,
    PRIMARY KEY (run_id, erasure_id)
);
COMMENT ON TABLE lifecycle.vendor_erasure_work IS 'The sealed plan of a run: the erasures that it works on.';
COMMENT ON COLUMN lifecycle.vendor_erasure_work.run_id IS 'The run. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure_work.erasure_id IS 'The erasure. Unit: none. Category: none.';

CREATE TABLE lifecycle.vendor_erasure_event (
    event_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    erasure_id  uuid NOT NULL REFERENCES lifecycle.vendor_erasure,
    run_id      bigint NOT NULL,
    epoch       integer NOT NULL,
    state       text NOT NULL,
    sight       text,
    code        text,
    happened_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX vendor_erasure_event_erasure ON lifecycle.vendor_erasure_event (erasure_id, event_id);
COMMENT ON TABLE lifecycle.vendor_erasure_event IS 'History of every erasure, written by the database itself; append-only.';
COMMENT ON COLUMN lifecycle.vendor_erasure_event.event_id IS 'Running number. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure_event.erasure_id IS 'The erasure. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure_event.run_id IS 'Run that worked on it. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure_event.epoch IS 'Epoch then. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure_event.state IS 'State reached. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure_event.sight IS 'What the last look showed. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure_event.code IS 'Why it was no further. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_erasure_event.happened_at IS 'When. Unit: UTC instant. Category: none.';

CREATE FUNCTION lifecycle.note_vendor_erasure() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.erasure_id, NEW.case_id, NEW.vendor, NEW.part, NEW.idempotency_key)
               IS DISTINCT FROM (OLD.erasure_id, OLD.case_id, OLD.vendor, OLD.part, OLD.idempotency_key) THEN
            RAISE EXCEPTION 'an erasure keeps its name and its key' USING ERRCODE = 'restrict_violation';
        ELSIF OLD.state = 'verified' AND NEW.state <> 'verified' THEN
            RAISE EXCEPTION 'what was verified stays so: what came back is another erasure' USING ERRCODE = 'restrict_violation';
        ELSIF (NEW.state, NEW.sight, NEW.code) IS NOT DISTINCT FROM (OLD.state, OLD.sight, OLD.code) THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO lifecycle.vendor_erasure_event (erasure_id, run_id, epoch, state, sight, code)
    VALUES (NEW.erasure_id, NEW.run_id, NEW.epoch, NEW.state, NEW.sight, NEW.code);
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION lifecycle.note_vendor_erasure() FROM PUBLIC;
CREATE TRIGGER vendor_erasure_noted AFTER INSERT OR UPDATE ON lifecycle.vendor_erasure
    FOR EACH ROW EXECUTE FUNCTION lifecycle.note_vendor_erasure();

CREATE TABLE lifecycle.vendor_confirmation (
    confirmation_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    erasure_id      uuid NOT NULL REFERENCES lifecycle.vendor_erasure,
    said            text NOT NULL CHECK (said IN ('accepted', 'completed', 'verified', 'rejected')),
    noted_by        text NOT NULL CHECK (noted_by <> ''),
    note            text NOT NULL CHECK (length(btrim(note)) >= 10),
    noted_at        timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lifecycle.vendor_confirmation IS 'What a person found out about an erasure, and from what.';
COMMENT ON COLUMN lifecycle.vendor_confirmation.confirmation_id IS 'Random name. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_confirmation.erasure_id IS 'The erasure. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_confirmation.said IS 'accepted, completed, rejected: what the vendor answered; verified: the person looked. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_confirmation.noted_by IS 'Login of who noted it, staff of the studio. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_confirmation.note IS 'From what they know it; must name no customer. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_confirmation.noted_at IS 'When. Unit: UTC instant. Category: none.';

CREATE TABLE lifecycle.vendor_callback (
    erasure_id  uuid NOT NULL REFERENCES lifecycle.vendor_erasure,
    body_sha256 text NOT NULL,
    said        text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (erasure_id, body_sha256)
);
COMMENT ON TABLE lifecycle.vendor_callback IS 'Signed callbacks taken from vendors, each once: a replay is refused.';
COMMENT ON COLUMN lifecycle.vendor_callback.erasure_id IS 'The erasure. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_callback.body_sha256 IS 'Digest of the signed body. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_callback.said IS 'What it said. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_callback.received_at IS 'When. Unit: UTC instant. Category: none.';

CREATE TRIGGER vendor_erasure_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.vendor_erasure_event
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();
CREATE TRIGGER vendor_erasure_item_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.vendor_erasure_item
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();
CREATE TRIGGER vendor_erasure_work_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.vendor_erasure_work
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();
CREATE TRIGGER vendor_confirmation_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.vendor_confirmation
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();
CREATE TRIGGER vendor_callback_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON lifecycle.vendor_callback
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();
CREATE TRIGGER vendor_erasure_stays BEFORE DELETE OR TRUNCATE ON lifecycle.vendor_erasure
    FOR EACH STATEMENT EXECUTE FUNCTION lifecycle.refuse_change();

-- Files at vendors whose own copy the purge has erased, hold, reopening and sharing considered: they follow it.
CREATE VIEW lifecycle.vendor_due AS
    SELECT due.case_id, d.disclosure_id, d.vendor, due.changed_at,
           EXISTS (WITH RECURSIVE lineage AS (
                       SELECT d.upload_id
                       UNION
                       SELECT u.derived_from FROM lineage g JOIN studio.uploads u ON u.upload_id = g.upload_id
                       WHERE u.derived_from IS NOT NULL)
                   SELECT FROM lineage g JOIN studio.effective_hold h ON h.upload_id = g.upload_id) AS held
    FROM studio.disclosures d
    CROSS JOIN LATERAL (SELECT i.case_id, i.changed_at FROM lifecycle.item i
                        WHERE i.upload_id = d.upload_id AND i.disposition = 'erase' AND i.state = 'accepted'
                        ORDER BY i.item_id LIMIT 1) AS due
    WHERE d.upload_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM lifecycle.vendor_erasure_item v WHERE v.disclosure_id = d.disclosure_id);
COMMENT ON VIEW lifecycle.vendor_due IS 'Disclosures of files that are to be erased at vendors and for which no erasure is planned yet; held ones are to wait.';

-- What a connector has to be told, and no more: an address only for those who erase by address.
CREATE VIEW lifecycle.vendor_subject AS
    SELECT v.erasure_id, d.vendor_ref AS processor_reference, u.object_key,
           CASE WHEN e.connector IN ('ses', 'sendgrid', 'postmark') THEN c.email END AS email,
           EXISTS (WITH RECURSIVE lineage AS (
                       SELECT d.upload_id
                       UNION
                       SELECT p.derived_from FROM lineage g JOIN studio.uploads p ON p.upload_id = g.upload_id
                       WHERE p.derived_from IS NOT NULL)
                   SELECT FROM lineage g JOIN studio.effective_hold h ON h.upload_id = g.upload_id) AS held
    FROM lifecycle.vendor_erasure e
    JOIN lifecycle.vendor_erasure_item v USING (erasure_id)
    JOIN studio.disclosures d USING (disclosure_id)
    JOIN studio.orders o USING (order_id)
    JOIN studio.customers c USING (customer_id)
    LEFT JOIN studio.uploads u ON u.upload_id = d.upload_id;
COMMENT ON VIEW lifecycle.vendor_subject IS 'What each erasure is about, in the words of a connector, and whether a hold forbids it at this moment.';

-- By when each erasure must have got somewhere, and by when somebody is told: some time before the deadline, and never before
-- half of the time there was is over.
CREATE VIEW lifecycle.vendor_watch AS
    SELECT r.run_id, e.erasure_id, e.case_id, e.vendor, e.state, e.sight, e.confirms, e.code, e.residual_until, c.deadline_at,
           greatest(c.deadline_at - make_interval(secs => (r.facts ->> 'alert_before_seconds')::float8),
                    c.start_at + (c.deadline_at - c.start_at) / 2) AS alert_at,
           e.state IN ('verified', 'residual_until') AS settled,
           (SELECT bool_or(s.held) FROM lifecycle.vendor_subject s WHERE s.erasure_id = e.erasure_id) AND e.accepted_at IS NULL AS held,
           e.state = 'residual_until' AND e.residual_until > c.deadline_at AS gap,
           e.state = 'residual_until' AND e.residual_until <= r.as_of AS lapsed,
           EXISTS (SELECT FROM lifecycle.vendor_erasure_work w WHERE w.run_id = r.run_id AND w.erasure_id = e.erasure_id) AS worked
    FROM lifecycle.run r
    CROSS JOIN lifecycle.vendor_erasure e
    JOIN lifecycle.erasure_case c USING (case_id)
    WHERE r.run_id = current_setting('lifecycle.run_id')::bigint;
COMMENT ON VIEW lifecycle.vendor_watch IS 'Every erasure as the session''s run has to see it.';

CREATE VIEW lifecycle.vendor_erasure_balance AS
    WITH me AS (
        SELECT run_id, as_of, planned_at, facts FROM lifecycle.run WHERE run_id = current_setting('lifecycle.run_id')::bigint
    ), work AS (
        SELECT count(*) AS eligible,
               count(*) FILTER (WHERE held) AS held,
               -- Asked, whatever the vendor made of it: what is not proven is counted below.
               count(*) FILTER (WHERE NOT held AND state NOT IN ('planned', 'submitted')) AS acted,
               count(*) FILTER (WHERE NOT held AND state IN ('planned', 'submitted')) AS failed,
               count(*) FILTER (WHERE NOT held AND state IN ('planned', 'submitted')) AS unasked
        FROM lifecycle.vendor_watch WHERE worked
    ), whole AS (
        SELECT count(*) AS erasures,
               count(*) FILTER (WHERE state = 'verified') AS verified,
               count(*) FILTER (WHERE state = 'residual_until' AND NOT lapsed) AS within_residual,
               count(*) FILTER (WHERE gap) AS gaps,
               count(*) FILTER (WHERE lapsed) AS lapsed,
               count(*) FILTER (WHERE NOT settled) AS unproven,
               count(*) FILTER (WHERE NOT settled AND NOT held AND alert_at <= (SELECT as_of FROM me)) AS alarming,
               count(*) FILTER (WHERE NOT settled AND NOT held AND deadline_at <= (SELECT as_of FROM me)) AS overdue
        FROM lifecycle.vendor_watch
    ), overclaimed AS (
        -- By the history, which the database wrote: a verified erasure whose last look did not show it gone.
        SELECT count(*) AS overclaimed
        FROM lifecycle.vendor_erasure e
        WHERE e.state = 'verified'
          AND (e.confirms <> 'verified'
               OR 'absent' IS DISTINCT FROM (SELECT h.sight FROM lifecycle.vendor_erasure_event h
                                             WHERE h.erasure_id = e.erasure_id ORDER BY h.event_id DESC LIMIT 1))
    ), due AS (
        SELECT count(*) FILTER (WHERE NOT d.held AND d.changed_at < (SELECT planned_at FROM me)) AS unplanned,
               count(*) FILTER (WHERE d.held) AS waiting_for_a_hold
        FROM lifecycle.vendor_due d
    ), control AS (
        SELECT count(*) AS disclosed FROM (SELECT FROM studio.disclosures WHERE upload_id IS NOT NULL LIMIT 1) one
    )
    SELECT work.*, eligible - acted - held - failed AS unbalanced, whole.*, overclaimed.*, due.*, control.*
    FROM work, whole, overclaimed, due, control;
COMMENT ON VIEW lifecycle.vendor_erasure_balance IS 'One row: the books of the session''s run of the erasure at vendors. Acted on is what was asked; unproven is what is not known to be gone.';

-- What is at vendors of a case, vendor by vendor: of its files, whatever order they were sent for, and of its order.
CREATE VIEW lifecycle.vendor_residue AS
    WITH sent AS (
        SELECT c.case_id, d.disclosure_id, d.vendor
        FROM lifecycle.erasure_case c JOIN studio.disclosures d USING (order_id)
        WHERE d.upload_id IS NOT NULL
        UNION
        SELECT i.case_id, d.disclosure_id, d.vendor
        FROM lifecycle.item i JOIN studio.disclosures d USING (upload_id)
    )
    SELECT s.case_id, s.vendor, count(*) AS disclosures,
           count(*) FILTER (WHERE e.state = 'verified') AS verified,
           count(*) FILTER (WHERE e.state = 'residual_until') AS residual,
           max(e.residual_until) AS residual_until
    FROM sent s
    LEFT JOIN lifecycle.vendor_erasure_item v USING (disclosure_id)
    LEFT JOIN lifecycle.vendor_erasure e USING (erasure_id)
    GROUP BY s.case_id, s.vendor;
COMMENT ON VIEW lifecycle.vendor_residue IS 'How much of what each vendor got of a case is verified to be gone, and until when the rest may remain.';

-- Erases at vendors: reads what has to be asked back and says how far it is. No payment, no name, no file of ours.
GRANT USAGE ON SCHEMA studio, lifecycle TO vendor_eraser;
GRANT SELECT ON lifecycle.vendor_due, lifecycle.vendor_subject, lifecycle.vendor_watch, lifecycle.vendor_erasure_item,
    lifecycle.vendor_callback, lifecycle.vendor_confirmation, lifecycle.vendor_erasure_event, lifecycle.vendor_erasure_work
    TO vendor_eraser;
GRANT SELECT, INSERT ON lifecycle.vendor_erasure TO vendor_eraser;
GRANT UPDATE (state, sight, code, reference, attempts, run_id, epoch, submitted_at, accepted_at, completed_at, verified_at,
    residual_until, next_poll_at, changed_at) ON lifecycle.vendor_erasure TO vendor_eraser;
GRANT INSERT ON lifecycle.vendor_erasure_item, lifecycle.vendor_erasure_work, lifecycle.vendor_confirmation, lifecycle.vendor_callback
    TO vendor_eraser;
GRANT SELECT, INSERT ON lifecycle.run TO vendor_eraser;
GRANT UPDATE (released_at) ON lifecycle.run TO vendor_eraser;

GRANT SELECT ON lifecycle.vendor_erasure, lifecycle.vendor_erasure_event, lifecycle.vendor_erasure_work, lifecycle.vendor_confirmation,
    lifecycle.vendor_watch, lifecycle.vendor_erasure_balance, lifecycle.vendor_residue TO studio_auditor, evidence_writer;
GRANT SELECT ON lifecycle.vendor_erasure, lifecycle.vendor_erasure_event, lifecycle.vendor_confirmation TO reviewer;
