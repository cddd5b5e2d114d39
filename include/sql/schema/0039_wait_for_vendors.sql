-- An order's files are not absent while a copy at a vendor is neither verified to be gone nor within a stated residual.

-- What a vendor lets go by its own clock needs nobody's yes: it can be within its residual without having been asked.
ALTER TABLE lifecycle.vendor_erasure
    DROP CONSTRAINT vendor_erasure_check3,
    ADD CONSTRAINT vendor_erasure_taken_first
        CHECK (state NOT IN ('accepted', 'in_progress', 'completed', 'residual_until') OR accepted_at IS NOT NULL
               OR (state = 'residual_until' AND mode = 'ttl_only'));

CREATE OR REPLACE VIEW lifecycle.vendor_subject AS
    SELECT v.erasure_id, d.vendor_ref AS processor_reference, u.object_key,
           CASE WHEN e.connector IN ('ses', 'sendgrid', 'postmark') THEN c.email END AS email,
           EXISTS (WITH RECURSIVE lineage AS (
                       SELECT d.upload_id
                       UNION
                       SELECT p.derived_from FROM lineage g JOIN studio.uploads p ON p.upload_id = g.upload_id
                       WHERE p.derived_from IS NOT NULL)
                   SELECT FROM lineage g JOIN studio.effective_hold h ON h.upload_id = g.upload_id) AS held,
           d.sent_at
    FROM lifecycle.vendor_erasure e
    JOIN lifecycle.vendor_erasure_item v USING (erasure_id)
    JOIN studio.disclosures d USING (disclosure_id)
    JOIN studio.orders o USING (order_id)
    JOIN studio.customers c USING (customer_id)
    LEFT JOIN studio.uploads u ON u.upload_id = d.upload_id;
COMMENT ON COLUMN lifecycle.vendor_subject.sent_at IS 'When the vendor got it. Unit: UTC instant. Category: none.';

-- Copies at vendors of what a case erases: of its files, whatever order they were sent for, and of its order's files that its
-- run does not keep. The run's plan sealed which vendors let go by themselves, and how long after sending.
CREATE VIEW lifecycle.vendor_copy AS
    SELECT s.run_id, s.case_id, s.disclosure_id, s.vendor, v.erasure_id, coalesce(e.state, 'unasked') AS state,
           coalesce(e.state IN ('verified', 'residual_until'), false)
               OR (s.clock IS NOT NULL AND e.sight IS DISTINCT FROM 'present') AS settled,
           coalesce(e.state = 'verified', false) AS verified,
           CASE WHEN e.state = 'verified' THEN NULL
                WHEN e.state = 'residual_until' THEN e.residual_until
                WHEN e.sight IS DISTINCT FROM 'present' THEN s.sent_at + s.clock END AS residual_until
    FROM (
        SELECT c.run_id, c.case_id, d.disclosure_id, d.vendor, d.sent_at,
               make_interval(secs => (r.facts -> 'gone_after_seconds' ->> d.vendor)::float8) AS clock
        FROM lifecycle.erasure_case c
        JOIN lifecycle.run r USING (run_id)
        JOIN lifecycle.item i ON i.case_id = c.case_id AND i.disposition = 'erase'
        JOIN studio.disclosures d ON d.upload_id = i.upload_id
        UNION
        SELECT c.run_id, c.case_id, d.disclosure_id, d.vendor, d.sent_at,
               make_interval(secs => (r.facts -> 'gone_after_seconds' ->> d.vendor)::float8)
        FROM lifecycle.erasure_case c
        JOIN lifecycle.run r USING (run_id)
        JOIN studio.disclosures d ON d.order_id = c.order_id AND d.upload_id IS NOT NULL
        WHERE NOT EXISTS (SELECT FROM lifecycle.item i
                          WHERE i.upload_id = d.upload_id AND i.run_id = c.run_id AND i.disposition <> 'erase')
    ) s
    LEFT JOIN lifecycle.vendor_erasure_item v USING (disclosure_id)
    LEFT JOIN lifecycle.vendor_erasure e USING (erasure_id);
COMMENT ON VIEW lifecycle.vendor_copy IS 'Every copy at a vendor of what a case erases, and whether the case may be called absent in spite of it.';
COMMENT ON COLUMN lifecycle.vendor_copy.run_id IS 'Run that holds the case. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_copy.case_id IS 'The case. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_copy.disclosure_id IS 'The act of sending. Unit: none. Category: user.unique_id.';
COMMENT ON COLUMN lifecycle.vendor_copy.vendor IS 'Who got it. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_copy.erasure_id IS 'The erasure that asks it back, null before there is one. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_copy.state IS 'How far that is; unasked before there is one. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_copy.settled IS 'Verified, or within a stated residual and not seen there since. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_copy.verified IS 'Looked for and not found. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_copy.residual_until IS 'Until when it may remain by what is stated; null for verified, or not stated. Unit: UTC instant. Category: none.';

-- The same rule for what statements name as a place; files that another order keeps count here as before.
CREATE OR REPLACE VIEW lifecycle.vendor_residue AS
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
           count(*) FILTER (WHERE k.within OR e.state = 'residual_until') AS residual,
           max(CASE WHEN e.state = 'residual_until' THEN e.residual_until WHEN k.within THEN k.gone_at END) AS residual_until
    FROM sent s
    JOIN lifecycle.erasure_case c USING (case_id)
    JOIN lifecycle.run r USING (run_id)
    JOIN studio.disclosures d USING (disclosure_id)
    LEFT JOIN lifecycle.vendor_erasure_item v USING (disclosure_id)
    LEFT JOIN lifecycle.vendor_erasure e USING (erasure_id)
    CROSS JOIN LATERAL (
        SELECT d.sent_at + make_interval(secs => (r.facts -> 'gone_after_seconds' ->> s.vendor)::float8) AS gone_at,
               coalesce(r.facts -> 'gone_after_seconds' ? s.vendor, false) AND e.state IS DISTINCT FROM 'verified'
                   AND e.sight IS DISTINCT FROM 'present' AS within) k
    GROUP BY s.case_id, s.vendor;

CREATE VIEW lifecycle.vendor_waiting AS
    SELECT c.run_id, c.case_id, k.vendor, c.deadline_at, c.deadline_at <= r.as_of AS overdue,
           count(*) AS copies, min(k.state) AS state
    FROM lifecycle.erasure_case c
    JOIN lifecycle.run r USING (run_id)
    JOIN lifecycle.vendor_copy k USING (run_id, case_id)
    WHERE c.state = 'open' AND NOT k.settled
      -- A held or reopened order waits for other things.
      AND NOT EXISTS (SELECT FROM lifecycle.item i
                      WHERE i.case_id = c.case_id AND i.run_id = c.run_id AND (i.disposition = 'hold' OR i.state = 'stopped'))
    GROUP BY c.run_id, c.case_id, k.vendor, c.deadline_at, r.as_of;
COMMENT ON VIEW lifecycle.vendor_waiting IS 'Open cases with the vendors whose copies keep them open.';
COMMENT ON COLUMN lifecycle.vendor_waiting.run_id IS 'Run that holds the case. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_waiting.case_id IS 'The case. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_waiting.vendor IS 'Whose copies are not settled. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_waiting.deadline_at IS 'By when the case has to be absent. Unit: UTC instant. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_waiting.overdue IS 'The deadline was over as of the run. Unit: boolean. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_waiting.copies IS 'Copies that are not settled. Unit: count. Category: none.';
COMMENT ON COLUMN lifecycle.vendor_waiting.state IS 'How far one of them is. Unit: none. Category: none.';

CREATE VIEW lifecycle.vendor_balance AS
    SELECT count(DISTINCT w.case_id) AS vendors_waiting,
           count(DISTINCT w.case_id) FILTER (WHERE w.overdue) AS vendors_overdue
    FROM lifecycle.vendor_waiting w
    WHERE w.run_id = current_setting('lifecycle.run_id')::bigint;
COMMENT ON VIEW lifecycle.vendor_balance IS 'One row: what the session''s run has to say of vendors.';

GRANT SELECT ON lifecycle.vendor_copy, lifecycle.vendor_waiting, lifecycle.vendor_balance TO studio_auditor, evidence_writer;

-- Erasures that go no further unless a person asks the vendor and says what it answered.
CREATE VIEW lifecycle.vendor_by_hand AS
    SELECT e.erasure_id, e.case_id, e.vendor, e.state, e.code, e.confirms, e.planned_at, c.deadline_at,
           (SELECT count(*) FROM lifecycle.vendor_confirmation n WHERE n.erasure_id = e.erasure_id) AS answers
    FROM lifecycle.vendor_erasure e
    JOIN lifecycle.erasure_case c USING (case_id)
    WHERE e.state IN ('manual', 'rejected') OR (e.mode = 'manual' AND e.state NOT IN ('verified', 'residual_until'));
COMMENT ON VIEW lifecycle.vendor_by_hand IS 'Erasures at vendors that wait for a person.';
GRANT SELECT ON lifecycle.vendor_by_hand TO reviewer;
