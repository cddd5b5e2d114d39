-- In the canaries' world of 2001: every kind of drift once, among disclosures with nothing wrong, and what must be counted.
-- A third vendor, registered for ever and never used.
INSERT INTO lifecycle.vendor (register_sha256, vendor, name, kind, role, clause, services, subjects, retention, erasure_connector,
                              erasure_mode, erasure_confirms, erasure_max_residual, reviewed_on, review_due_on)
VALUES ('canary', 'canary-quiet', 'canary-quiet', 'ai', 'processor', '4.3', '{}', '{}', 'P1D', 'manual', 'manual', 'none', '0',
        '2001-01-01', '2002-01-01');
INSERT INTO lifecycle.vendor_contract (register_sha256, vendor, contract, valid_from, data_categories, purposes, storage_countries,
                                       access_countries)
VALUES ('canary', 'canary-quiet', 'c', '2001-01-01 00:00:00+00', '{user.content.self_image}', '{essential.service}', '{JP}', '{}');

INSERT INTO lifecycle.inventory_canary
SELECT number, ('00000000-0000-4000-8000-00000000c00' || person)::uuid, ('00000000-0000-4000-8000-00000000f00' || file)::uuid, vendor,
       category, purpose, country, access::text[], subs::text[], at::timestamptz
FROM (VALUES
    (1, 1, 1, 'canary-good', 'user.content.self_image', 'essential.service', 'JP', '{}', '{canary-sub}', '2001-06-01 00:00:00+00'),
    (2, 1, 1, 'canary-good', 'user.content.self_image', 'essential.service', 'JP', '{US}', '{}', '2001-06-02 00:00:00+00'),
    (3, 2, 2, 'canary-good', 'user.content.self_image', 'essential.service', 'JP', '{}', '{}', '2001-12-31 23:59:59.999999+00'),
    (4, 1, NULL, 'canary-none', 'user.content.self_image', 'essential.service', 'JP', '{}', '{}', '2001-06-01 00:00:00+00'),
    (5, 1, NULL, 'canary-good', 'user.financial', 'essential.service', 'JP', '{}', '{}', '2001-06-01 00:00:00+00'),
    (6, 1, 3, 'canary-good', 'user.content.self_image', 'essential.service', 'BR', '{}', '{}', '2001-06-01 00:00:00+00'),
    (7, 1, 1, 'canary-good', 'user.content.self_image', 'essential.service', 'JP', '{CN,US}', '{}', '2001-06-01 00:00:00+00'),
    (8, 2, 1, 'canary-good', 'user.content.self_image', 'train_ai_system', 'JP', '{}', '{}', '2001-06-01 00:00:00+00'),
    (9, 2, 1, 'canary-good', 'user.content.self_image', 'essential.service', 'JP', '{}', '{}', '2002-01-01 00:00:00+00'),
    (10, 3, 1, 'canary-good', 'user.content.self_image', 'essential.service', 'JP', '{}', '{}', '2000-12-31 23:59:59.999999+00'),
    (11, 1, NULL, 'canary-bare', 'user.content.self_image', 'essential.service', NULL, '{}', '{}', '2001-06-01 00:00:00+00'),
    (12, 2, NULL, 'canary-bare', 'user.content.self_image', 'essential.service', 'US', NULL, '{}', '2001-06-01 00:00:00+00'),
    (13, 1, NULL, 'canary-bare', 'user.content.self_image', 'essential.service', 'US', '{}', NULL, '2001-06-01 00:00:00+00'),
    (14, 1, 1, 'canary-good', 'user.content.self_image', 'essential.service', 'JP', '{}', '{canary-other,canary-sub}', '2001-06-01 00:00:00+00'),
    (15, 1, NULL, 'canary-good', 'user.financial', 'train_ai_system', 'BR', '{CN}', '{canary-other}', '2001-06-01 00:00:00+00')
) AS c (number, person, file, vendor, category, purpose, country, access, subs, at);

INSERT INTO lifecycle.inventory_expected
VALUES
    ('vendor', 'canary-good', '', '', 11, 3, 3),
    ('vendor', 'canary-bare', '', '', 3, 2, 0),
    ('vendor', 'canary-none', '', '', 1, 1, 0),
    ('vendor', 'canary-quiet', '', '', 0, 0, 0),
    ('line', 'canary-good', 'user.content.self_image', 'JP', 8, 3, 2),
    ('line', 'canary-good', 'user.content.self_image', 'BR', 1, 1, 1),
    ('line', 'canary-good', 'user.financial', 'JP', 1, 1, 0),
    ('line', 'canary-good', 'user.financial', 'BR', 1, 1, 0),
    ('line', 'canary-bare', 'user.content.self_image', 'US', 2, 2, 0),
    ('line', 'canary-bare', 'user.content.self_image', 'unknown', 1, 1, 0),
    ('line', 'canary-none', 'user.content.self_image', 'JP', 1, 1, 0),
    ('unlisted_vendor', 'canary-none', '', '', 1, 1, 0),
    ('contract_not_begun', 'canary-good', '', '', 1, 1, 0),
    ('contract_expired', 'canary-good', '', '', 1, 1, 0),
    ('new_category', 'canary-good', 'user.financial', '', 2, 1, 0),
    ('purpose_outside_contract', 'canary-good', 'train_ai_system', '', 2, 2, 0),
    ('new_country', 'canary-good', 'BR', '', 2, 1, 0),
    ('new_country', 'canary-good', 'CN', '', 2, 1, 0),
    ('country_unknown', 'canary-bare', '', '', 2, 2, 0),
    ('new_sub_processor', 'canary-good', 'canary-other', '', 2, 1, 0),
    ('sub_processor_unknown', 'canary-bare', '', '', 1, 1, 0),
    ('no_traffic', 'canary-quiet', '', '', 0, 0, 0),
    ('review_overdue', 'canary-good', '', '', 0, 0, 0),
    ('review_overdue', 'canary-bare', '', '', 0, 0, 0),
    ('review_overdue', 'canary-quiet', '', '', 0, 0, 0);
