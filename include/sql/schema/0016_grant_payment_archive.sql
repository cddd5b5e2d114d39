-- Archives: reads hot payments, removes what is archived, keeps the books. It cannot insert or change a payment, sees no
-- customer and no key.
GRANT USAGE ON SCHEMA studio, lifecycle TO payment_archiver, payment_reader;
REVOKE ALL ON FUNCTION studio.add_payment_months(date, date), studio.detach_payment_month(date), studio.drop_payment_month(date),
    studio.attach_payment_month(date), studio.payment_months() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION studio.add_payment_months(date, date) TO studio_app, payment_archiver;
GRANT EXECUTE ON FUNCTION studio.detach_payment_month(date), studio.drop_payment_month(date), studio.attach_payment_month(date)
    TO payment_archiver;
GRANT EXECUTE ON FUNCTION studio.payment_months() TO payment_archiver, studio_auditor, evidence_writer;

GRANT INSERT ON studio.payments, studio.legal_hold_orders TO studio_app;
GRANT SELECT ON studio.payments, studio.legal_hold_orders, studio.effective_order_hold, studio.payment_record, studio.payment_family
    TO studio_app;
GRANT UPDATE (settled_at) ON studio.payments TO studio_app;

GRANT SELECT, DELETE, UPDATE (payer_name) ON studio.payments TO payment_archiver;
GRANT SELECT ON studio.payment_record, studio.payment_family, studio.effective_order_hold, studio.flawed_hold TO payment_archiver;
GRANT SELECT (order_id, customer_id) ON studio.orders TO payment_archiver;
GRANT SELECT (customer_id, erase_requested_at, is_minor, pseudonymised_at), UPDATE (pseudonymised_at, payments_kept_until)
    ON studio.customers TO payment_archiver;
GRANT SELECT (customer_id), INSERT (customer_id), DELETE ON lifecycle.customer_key TO payment_archiver;
GRANT SELECT, INSERT, UPDATE (released_at) ON lifecycle.run TO payment_archiver;
GRANT SELECT, UPDATE ON lifecycle.archive_turn TO payment_archiver;
GRANT SELECT, INSERT ON lifecycle.archive_file, lifecycle.archive_expiry, lifecycle.archive_column, lifecycle.archive_total, lifecycle.archive_superseded,
    lifecycle.payment_restated, lifecycle.payment_expired, lifecycle.payment_quarantine, lifecycle.payment_orphan,
    lifecycle.payment_late, lifecycle.payment_pseudonymised TO payment_archiver;
GRANT UPDATE ON lifecycle.archive_file TO payment_archiver;
GRANT DELETE ON lifecycle.archive_column, lifecycle.archive_total, lifecycle.payment_restated TO payment_archiver;
GRANT UPDATE (rows, amount) ON lifecycle.payment_expired TO payment_archiver;
GRANT UPDATE (ends_at, run_id, found_at) ON lifecycle.payment_late TO payment_archiver;
GRANT SELECT ON lifecycle.archive_compared, lifecycle.archive_sight, lifecycle.payment_arrival, lifecycle.payment_books,
    lifecycle.evidence TO payment_archiver;

-- Compares and observes: reads records as they are archived, notes what it saw.
GRANT SELECT ON studio.payment_record, studio.effective_order_hold, lifecycle.archive_file, lifecycle.archive_expiry, lifecycle.archive_column,
    lifecycle.archive_total, lifecycle.payment_restated, lifecycle.archive_turn TO studio_observer;
GRANT SELECT (payment_id) ON studio.payments TO studio_observer;
GRANT SELECT, INSERT ON lifecycle.archive_compared, lifecycle.archive_sight TO studio_observer;

-- Asserts and attests: sums and states, no record.
GRANT SELECT ON lifecycle.archive_file, lifecycle.archive_expiry, lifecycle.archive_total, lifecycle.archive_superseded, lifecycle.archive_sight,
    lifecycle.archive_seen, lifecycle.archive_balance, lifecycle.payment_books, lifecycle.payment_arrival, lifecycle.payment_expired,
    lifecycle.payment_pseudonymised TO studio_auditor, evidence_writer;
GRANT UPDATE (state, closed_at) ON lifecycle.archive_file TO evidence_writer;
GRANT SELECT ON lifecycle.payment_books, lifecycle.payment_arrival, lifecycle.payment_expired TO reviewer;

-- The accountant: finds records, hot and archived, without anybody's name; every look leaves a line.
GRANT SELECT ON studio.payment_record, lifecycle.archive_file, lifecycle.archive_total, lifecycle.archive_superseded,
    lifecycle.payment_books, lifecycle.payment_arrival, lifecycle.payment_expired, lifecycle.run_summary TO payment_reader;
GRANT SELECT (evidence_id, run_id, outcome, envelope_sha256, stored_at) ON lifecycle.evidence TO payment_reader;
GRANT SELECT (run_id, pipeline, as_of, state) ON lifecycle.run TO payment_reader;
GRANT INSERT (person, purpose, asked, asked_sha256, rows, files) ON lifecycle.payment_access TO payment_reader;
GRANT SELECT ON lifecycle.payment_access TO reviewer, studio_auditor;
