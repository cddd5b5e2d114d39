-- Id and digest of a file's records. What the digest is over, remove_archived says.
CREATE TEMPORARY TABLE archived (payment_id uuid NOT NULL, occurred_at timestamptz NOT NULL, digest bytea NOT NULL) ON COMMIT DROP
