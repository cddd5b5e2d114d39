-- An instant without a time zone is ambiguous by up to 26 hours, more than a retention margin: no column may hold one.
CREATE FUNCTION studio.refuse_naive_columns() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    offender record;
BEGIN
    SELECT n.nspname, c.relname, a.attname INTO offender
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('studio', 'lifecycle') AND c.relkind IN ('r', 'p', 'f')
      AND a.attnum > 0 AND NOT a.attisdropped
      AND a.atttypid IN ('timestamp'::regtype, 'time'::regtype, 'timetz'::regtype)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'column %.%.% has a time without a zone: use timestamptz',
            offender.nspname, offender.relname, offender.attname;
    END IF;
END
$$;

-- Event triggers and casts belong to superusers: on a managed server without one these two guards stay off, visibly.
DO $$
BEGIN
    IF current_setting('is_superuser')::boolean THEN
        CREATE EVENT TRIGGER refuse_naive_columns ON ddl_command_end
            WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE')
            EXECUTE FUNCTION studio.refuse_naive_columns();
        -- A value without a zone (a naive Python datetime arrives as timestamp) is no longer assigned silently.
        UPDATE pg_cast SET castcontext = 'e'
        WHERE castsource IN ('timestamp'::regtype, 'date'::regtype) AND casttarget = 'timestamptz'::regtype;
    ELSE
        RAISE WARNING 'not a superuser: naive timestamps are refused by review only';
    END IF;
END
$$;

CREATE FUNCTION studio.is_time_zone(name text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $$
BEGIN
    -- A region name ("Asia/Shanghai") or UTC: bare offsets lose the daylight-saving rules that calendar days need.
    IF name <> 'UTC' AND name !~ '^[A-Z][A-Za-z_]+/[A-Za-z0-9_+/-]+$' THEN
        RETURN false;
    END IF;
    PERFORM '2024-01-01 00:00:00+00'::timestamptz AT TIME ZONE name;
    RETURN true;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END
$$;
CREATE DOMAIN studio.time_zone AS text
    CONSTRAINT time_zone_is_a_region CHECK (studio.is_time_zone(VALUE));
COMMENT ON DOMAIN studio.time_zone IS 'IANA time zone name, needed wherever calendar days are counted.';
