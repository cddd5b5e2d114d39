COPY studio.payments (payment_id, charge_id, order_id, kind, provider, provider_ref, amount, fee, currency, occurred_at, settled_at,
    payer_name, payer_country, provider_payload)
FROM STDIN
