-- A refund can bring a name back after its person was cut off: then the person is cut off again, by another run.
ALTER TABLE lifecycle.payment_pseudonymised
    DROP CONSTRAINT payment_pseudonymised_customer_id_key,
    ADD CONSTRAINT payment_pseudonymised_once UNIQUE (customer_id, run_id);
