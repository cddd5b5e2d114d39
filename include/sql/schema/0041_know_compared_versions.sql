-- The reference that stands for a customer is worked out when the key is made, and not for every payment that is read.
-- It lives and goes with the key.
ALTER TABLE lifecycle.customer_key
    ADD COLUMN customer_ref text NOT NULL
        GENERATED ALWAYS AS (left(encode(sha256(key || uuid_send(customer_id)), 'hex'), 32)) STORED;
COMMENT ON COLUMN lifecycle.customer_key.customer_ref IS 'What stands for the customer in archived payments: SHA-256 of key and id, 32 hexadecimal digits. Unit: none. Category: user.unique_id.';

CREATE OR REPLACE VIEW studio.payment_record AS
    SELECT p.payment_id, p.charge_id, p.order_id, p.kind, p.provider, p.provider_ref, p.amount, p.fee, p.currency,
           p.occurred_at, p.settled_at, p.payer_country, k.customer_ref, p.provider_payload::text AS provider_payload
    FROM studio.payments p
    LEFT JOIN studio.orders o USING (order_id)
    LEFT JOIN lifecycle.customer_key k USING (customer_id);

-- Which versions of rows a comparison saw: whoever removes then tells unchanged rows by their version alone.
ALTER TABLE lifecycle.archive_compared
    ADD COLUMN horizon xid8,
    ADD COLUMN written xid8 NOT NULL DEFAULT pg_current_xact_id();
COMMENT ON COLUMN lifecycle.archive_compared.horizon IS 'Oldest transaction that was under way when the comparison began: every row that is older was compared as it is. Null: not noted. Unit: none. Category: none.';
COMMENT ON COLUMN lifecycle.archive_compared.written IS 'Transaction that wrote this row. A row that was loaded from a backup says another one than it has: its horizon means nothing here. Unit: none. Category: none.';
