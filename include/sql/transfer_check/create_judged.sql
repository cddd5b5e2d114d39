-- One row for each situation. Two situations with one key would be a collision of hashes: a second hash then differs, and the row
-- is refused, loudly.
CREATE TEMPORARY TABLE judged (
    key                 bigint PRIMARY KEY,
    one_situation       boolean NOT NULL CHECK (one_situation),
    canary              boolean NOT NULL,
    register_sha256     text NOT NULL,
    reference_sha256    text NOT NULL,
    vendor              text NOT NULL,
    data_category       text NOT NULL,
    purpose             text NOT NULL,
    origin_country      text,
    destination_country text,
    access_countries    text[],
    sub_processors      text[],
    transport           text,
    minor               boolean NOT NULL,
    explicit_consent    boolean NOT NULL,
    separate_consent    boolean NOT NULL,
    volume_level        integer NOT NULL,
    since               timestamptz NOT NULL,
    disclosures         bigint NOT NULL,
    cross_border        boolean NOT NULL,
    broken              text[] NOT NULL,
    rules               jsonb NOT NULL
) ON COMMIT DROP
