-- Whoever states what was said about pausing may find that this database is older than the log. It may then pause, and
-- nothing else: resuming is for a person.
CREATE FUNCTION lifecycle.stay_paused() RETURNS lifecycle.posture
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO lifecycle.posture (paused, by_whom, why)
    VALUES (true, 'evidence_writer', 'the log says otherwise than this database, which must be older: look, then resume')
    RETURNING *
$$;
COMMENT ON FUNCTION lifecycle.stay_paused() IS 'Pauses the house where log and database differ on whether it is; the row.';
REVOKE ALL ON FUNCTION lifecycle.stay_paused() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lifecycle.stay_paused() TO evidence_writer;
