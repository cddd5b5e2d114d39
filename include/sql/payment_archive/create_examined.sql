CREATE TEMPORARY TABLE examined (payment_id uuid NOT NULL, file_number integer NOT NULL) ON COMMIT DROP
