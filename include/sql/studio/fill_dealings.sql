-- Disclosures for measurements, spread over a year: eight in ten across a border, some unknown, unlisted, or without consent.
INSERT INTO studio.disclosures (disclosure_id, order_id, vendor, data_category, purpose, destination_country, vendor_ref, sent_at,
                                origin_country, access_countries, sub_processors, transport)
SELECT gen_random_uuid(), 'deal_' || lpad((n %% %(orders)s)::text, 7, '0'), v.vendor, v.category, v.purpose, v.country, 'x',
       %(until)s::timestamptz - interval '31536 milliseconds' * (n %% 1000000) - interval '1 day',
       CASE (n / 10) %% 10 WHEN 0 THEN 'DE' WHEN 1 THEN 'GB' WHEN 2 THEN 'JP' WHEN 3 THEN 'US' ELSE 'CN' END,
       CASE WHEN n %% 97 <> 0 THEN v.access END, CASE WHEN n %% 101 <> 0 THEN v.subs END,
       CASE WHEN n %% 103 = 0 THEN 'TLSv1.0' ELSE 'TLSv1.3' END
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
JOIN (VALUES
    (0, 'stripe', 'user.financial', 'essential.service.payment_processing', 'US', ARRAY['IE'], '{}'::text[]),
    (1, 'postmark', 'user.contact.email', 'essential.service.notifications.email', 'US', '{}', ARRAY['aws']),
    (2, 'aws-s3', 'user.content.self_image', 'essential.service', 'SG', '{}', '{}'),
    (3, 'aliyun-oss', 'user.content.self_image', 'essential.service', 'CN', '{}', '{}'),
    (4, 'openai', 'user.content.self_image', 'essential.service', 'US', '{}', ARRAY['azure']),
    (5, 'replicate', 'user.content.self_image', 'essential.service', 'US', '{}', '{}'),
    (6, 'fal', 'user.content.private', 'essential.service', 'US', '{}', '{}'),
    (7, 'brushworks', 'user.content.self_image', 'essential.service', 'US', '{}', '{}'),
    (8, 'paintbox', 'user.content.self_image', 'essential.service', 'IN', '{}', '{}'),
    (9, 'sketchfast', 'user.content.self_image', 'essential.service', 'US', '{}', '{}')
) AS v (number, vendor, category, purpose, country, access, subs) ON v.number = n %% 10
