-- For each person a consent for each vendor; one in twenty is withdrawn after half a year, one in thirty is bundled.
INSERT INTO studio.consents (record_id, pii_principal_id, pii_controller, privacy_notice_version, purpose, pii_type,
                             recipient_third_party, jurisdiction, consent_type, bundled, given_at, withdrawn_at)
SELECT gen_random_uuid(), ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'XMANART', '2024-08-08', v.purpose, v.category,
       v.vendor, 'CN', 'separate_consent', (n + v.number) %% 30 = 0, %(until)s::timestamptz - interval '500 days',
       CASE WHEN (n + v.number) %% 20 = 0 THEN %(until)s::timestamptz - interval '180 days' END
FROM generate_series(0, %(orders)s / 10 - 1) AS n,
     (VALUES (0, 'stripe', 'user.financial', 'essential.service.payment_processing'),
             (1, 'postmark', 'user.contact.email', 'essential.service.notifications.email'),
             (2, 'aws-s3', 'user.content.self_image', 'essential.service'),
             (4, 'openai', 'user.content.self_image', 'essential.service'),
             (5, 'replicate', 'user.content.self_image', 'essential.service'),
             (6, 'fal', 'user.content.private', 'essential.service'),
             (7, 'brushworks', 'user.content.self_image', 'essential.service'),
             (8, 'paintbox', 'user.content.self_image', 'essential.service'),
             (9, 'sketchfast', 'user.content.self_image', 'essential.service')) AS v (number, vendor, category, purpose)
