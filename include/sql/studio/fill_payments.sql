-- A slice of the fill; row n follows from the seed and n alone, so the slices' order and number do not matter. One row in fourteen is a refund or dispute of the charge one or two rows before.
-- Amounts keep to the minor units of their currency: none for JPY and KRW, three digits for KWD and BHD.
WITH made AS (
INSERT INTO studio.payments (payment_id, charge_id, order_id, kind, provider, provider_ref, amount, fee, currency, occurred_at,
                             settled_at, payer_name, payer_country, provider_payload)
SELECT payment_id, charge_id, 'paid_' || lpad((root / 2)::text, 9, '0'), kind, provider, provider_ref, value,
       CASE WHEN kind = 'charge' AND draw %% 16 <> 0 THEN round(value * 0.029 + (10 ^ -digits)::numeric, digits) END,
       currency, occurred_at,
       CASE WHEN occurred_at + settling <= %(to_at)s::timestamptz THEN occurred_at + settling END,
       CASE WHEN draw %% 10 <> 0 THEN 'Payer ' || root / 20 END,
       CASE WHEN draw %% 25 <> 0 THEN country END,
       CASE WHEN draw %% 50 <> 0 THEN jsonb_build_object(
           'id', provider_ref, 'object', kind, 'status', 'succeeded', 'amount_minor', (value * (10 ^ digits)::numeric)::bigint,
           'balance_transaction', 'txn_' || substr(payment_id::text, 25), 'livemode', true, 'risk', draw %% 100) END
FROM generate_series(%(low)s, %(low)s + %(slice)s - 1) AS n
CROSS JOIN LATERAL (
    SELECT n > %(first)s AND hashint8extended(n, %(seed)s) & 4095 < 293 AS late,
           n > %(first)s + 1 AND hashint8extended(n - 1, %(seed)s) & 4095 < 293 AS late_before,
           n > %(first)s + 2 AND hashint8extended(n - 2, %(seed)s) & 4095 < 293 AS late_twice
) AS drawn
CROSS JOIN LATERAL (
    SELECT CASE WHEN late AND NOT late_before THEN n - 1 WHEN late AND NOT late_twice THEN n - 2 ELSE n END AS root
) AS family
CROSS JOIN LATERAL (
    SELECT md5(%(seed)s || ' payment ' || n)::uuid AS payment_id, md5(%(seed)s || ' payment ' || root)::uuid AS charge_id,
           CASE WHEN root = n THEN 'charge' WHEN root = n - 1 THEN 'refund' ELSE 'dispute' END AS kind,
           hashint8extended(n, %(seed)s + 1) & 2147483647 AS draw, hashint8extended(root, %(seed)s + 2) & 2147483647 AS luck
    OFFSET 0  -- calculated once a row, not wherever it is used
) AS named
CROSS JOIN LATERAL (
    SELECT (ARRAY['CNY', 'USD', 'USD', 'EUR', 'EUR', 'GBP', 'JPY', 'JPY', 'KWD', 'KRW', 'BHD', 'CHF'])[1 + luck %% 12] AS currency,
           (ARRAY[2, 2, 2, 2, 2, 2, 0, 0, 3, 0, 3, 2])[1 + luck %% 12] AS digits,
           (ARRAY['CN', 'US', 'CA', 'DE', 'FR', 'GB', 'JP', 'JP', 'KW', 'KR', 'BH', 'CH'])[1 + luck %% 12] AS country,
           (ARRAY['stripe', 'stripe', 'paypal', 'alipay'])[1 + luck / 12 %% 4] AS provider
) AS place
CROSS JOIN LATERAL (
    SELECT round((900 + luck %% 90000) * CASE digits WHEN 0 THEN 1 WHEN 3 THEN 0.001 ELSE 0.01 END
                 * CASE WHEN root = n OR draw %% 10 < 7 THEN 1 ELSE 0.5 END, digits) AS value,
           (ARRAY['ch_', 'ch_', 'PAY-', '2088'])[1 + luck / 12 %% 4] || replace(payment_id::text, '-', '') AS provider_ref,
           -- The microseconds of a real clock; a refund or dispute comes within ninety days.
           least(%(from_at)s::timestamptz + (%(to_at)s::timestamptz - %(from_at)s::timestamptz) * ((root - %(first)s)::float8 / %(rows)s)
                 + luck %% 1000000 * interval '1 microsecond'
                 + CASE WHEN root = n THEN interval '0' ELSE (1 + draw %% 7776000) * interval '1 second' END,
                 %(to_at)s::timestamptz) AS occurred_at,
           interval '1 day' + draw %% 172800 * interval '1 second' AS settling
    OFFSET 0
) AS made
RETURNING occurred_at, currency, kind, amount
)
-- Without triggers nobody noted what arrived.
INSERT INTO lifecycle.payment_arrival (month, currency, kind, rows, amount)
SELECT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date, currency, kind, count(*), sum(amount)
FROM made
GROUP BY 1, 2, 3
RETURNING rows
