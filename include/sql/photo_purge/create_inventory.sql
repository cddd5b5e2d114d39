CREATE TEMPORARY TABLE inventory (
    bucket text NOT NULL,
    object_key text NOT NULL,
    kind text NOT NULL,
    version_id text NOT NULL,
    last_modified timestamptz NOT NULL
) ON COMMIT DROP
