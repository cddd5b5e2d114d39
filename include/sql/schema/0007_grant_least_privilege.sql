-- Each duty gets what it needs and no more; what is absent here is refused by the server.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA studio TO studio_app, studio_reader, studio_eraser, studio_observer, studio_auditor, evidence_writer;
GRANT USAGE ON SCHEMA lifecycle TO studio_reader, studio_eraser, studio_observer, studio_auditor, evidence_writer, reviewer;

-- The studio's own application.
GRANT SELECT ON ALL TABLES IN SCHEMA studio TO studio_app;
GRANT INSERT ON studio.customers, studio.order_events, studio.order_uploads, studio.payments, studio.disclosures,
    studio.consents, studio.legal_holds, studio.legal_hold_uploads TO studio_app;
-- What follows from events, and what only evidence may say, is not the application's to write.
GRANT INSERT (order_id, customer_id, service, description, created_at, last_activity_at, erase_requested_at)
    ON studio.orders TO studio_app;
GRANT INSERT (upload_id, category, role, bucket, object_key, sha256, bytes, media_type, derived_from, uploaded_at)
    ON studio.uploads TO studio_app;
GRANT UPDATE ON studio.customers, studio.consents, studio.legal_holds TO studio_app;
GRANT UPDATE (description, erase_requested_at) ON studio.orders TO studio_app;
GRANT UPDATE (sha256, bytes, media_type) ON studio.uploads TO studio_app;
GRANT UPDATE (settled_at) ON studio.payments TO studio_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA studio TO studio_app;

-- Plans: sees orders' clocks and files, no customer, no payment, no words of anybody.
GRANT SELECT (order_id, terminal_at, terminal_kind, reopened_at, last_activity_at, erase_requested_at, photo_state)
    ON studio.orders TO studio_reader, studio_observer, studio_auditor, evidence_writer;
GRANT SELECT (upload_id, category, role, bucket, object_key, bytes, derived_from, uploaded_at, absent_at)
    ON studio.uploads TO studio_reader, studio_observer, studio_auditor, evidence_writer;
GRANT SELECT ON studio.order_uploads, studio.effective_hold, studio.flawed_hold
    TO studio_reader, studio_observer, studio_auditor, evidence_writer;
GRANT SELECT, INSERT ON lifecycle.run, lifecycle.item TO studio_reader;
GRANT UPDATE (released_at) ON lifecycle.run TO studio_reader;
GRANT SELECT ON lifecycle.resurfaced TO studio_reader;
GRANT SELECT, INSERT, UPDATE (reason, anchor_at, start_at, deadline_at, run_id, epoch, batch) ON lifecycle.erasure_case TO studio_reader;

-- Erases: changes the state of sealed items; sees holds to stop at them.
GRANT SELECT ON studio.effective_hold, studio.order_uploads TO studio_eraser;
GRANT SELECT (upload_id, object_key, derived_from) ON studio.uploads TO studio_eraser;
GRANT SELECT (order_id, terminal_at, reopened_at, last_activity_at, erase_requested_at, photo_state) ON studio.orders TO studio_eraser;
GRANT SELECT ON lifecycle.run, lifecycle.item, lifecycle.erasure_case, lifecycle.observation TO studio_eraser;
GRANT INSERT ON lifecycle.item TO studio_eraser;
GRANT UPDATE (state, code, changed_at) ON lifecycle.item TO studio_eraser;

-- Observes: adds what it saw, changes nothing.
GRANT SELECT ON lifecycle.run, lifecycle.item, lifecycle.erasure_case, lifecycle.canary TO studio_observer;
GRANT SELECT, INSERT ON lifecycle.observation, lifecycle.sweep, lifecycle.resurfaced TO studio_observer;

-- Asserts: reads, and notes the outcomes.
GRANT SELECT ON ALL TABLES IN SCHEMA lifecycle TO studio_auditor;
GRANT INSERT ON lifecycle.assertion TO studio_auditor;

-- Attests: states, and closes what it stated.
GRANT SELECT ON ALL TABLES IN SCHEMA lifecycle TO evidence_writer;
GRANT INSERT ON lifecycle.evidence TO evidence_writer;
GRANT UPDATE (stored_at, store_version_id) ON lifecycle.evidence TO evidence_writer;
GRANT UPDATE (state, finished_at) ON lifecycle.run TO evidence_writer;
GRANT UPDATE (state, closed_at) ON lifecycle.erasure_case TO evidence_writer;
GRANT UPDATE (absent_at) ON studio.uploads TO evidence_writer;
GRANT UPDATE (photo_state) ON studio.orders TO evidence_writer;

-- Reviews: everything that names nobody.
GRANT SELECT ON lifecycle.run, lifecycle.assertion, lifecycle.evidence, lifecycle.sweep, lifecycle.run_summary TO reviewer;
