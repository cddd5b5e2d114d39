-- Roles of the house: one per duty, none of them able to log in until the set-up gives it a password.
DO $$
DECLARE
    duty text;
BEGIN
    FOREACH duty IN ARRAY ARRAY['studio_app', 'studio_reader', 'studio_eraser', 'studio_observer',
                                'studio_auditor', 'evidence_writer', 'reviewer']
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = duty) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', duty);
        END IF;
        EXECUTE format('ALTER ROLE %I IN DATABASE %I SET TimeZone = ''UTC''', duty, current_database());
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), duty);
    END LOOP;
END
$$;

CREATE SCHEMA studio;
COMMENT ON SCHEMA studio IS 'What the studio knows about customers, orders and files. The application writes, pipelines read.';
CREATE SCHEMA IF NOT EXISTS lifecycle;
COMMENT ON SCHEMA lifecycle IS 'What the pipelines planned, did, observed, asserted and attested.';
COMMENT ON TABLE lifecycle.schema_version IS 'Migrations applied to this database.';
COMMENT ON COLUMN lifecycle.schema_version.name IS 'File name of the migration. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.schema_version.sha256 IS 'Digest of the file as applied. Unit: hex. Category: none.';
COMMENT ON COLUMN lifecycle.schema_version.applied_at IS 'When. Unit: UTC instant. Category: none.';
