-- In the place of the whole records: enough for whoever only has to say which rows a file names.
CREATE TEMPORARY TABLE archived (payment_id uuid NOT NULL, occurred_at timestamptz NOT NULL) ON COMMIT DROP
