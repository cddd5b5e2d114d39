CREATE TEMPORARY TABLE archived ON COMMIT DROP AS
SELECT payment_id, charge_id, order_id, kind, provider, provider_ref, amount, fee, currency, occurred_at, settled_at, payer_country,
       customer_ref, provider_payload
FROM studio.payment_record WHERE false
