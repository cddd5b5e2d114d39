COPY studio.payments (payment_id, order_id, kind, parent_id, provider, provider_ref, amount, currency, occurred_at, settled_at)
FROM STDIN
