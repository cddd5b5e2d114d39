COPY lifecycle.payment_restated (file_id, from_file_id, payment_id, charge_id, order_id, kind, provider, provider_ref, amount, fee,
    currency, occurred_at, settled_at, payer_country, customer_ref, provider_payload)
FROM STDIN
