-- A world of the year 2001 in which three invented vendors exist and every verdict is known.
INSERT INTO lifecycle.reference_version (reference_sha256, entries) VALUES ('canary', 9);
INSERT INTO lifecycle.reference_entry
    (reference_sha256, list, regime, code, scope, condition, instrument, in_force_from, in_force_until, status, source, source_date, reviewed_by)
SELECT 'canary', list, regime, code, scope, condition, 'canary', '2001-01-01 00:00:00+00', NULL, 'in_force', 'invented', '2001-01-01', 'nobody'
FROM (VALUES ('origins', 'EU', 'DE', 'full', ''), ('origins', 'CN', 'CN', 'full', ''), ('eea', 'EU', 'DE', 'full', ''),
             ('eea', 'EU', 'FR', 'full', ''), ('adequacy', 'EU', 'JP', 'full', ''), ('adequacy', 'EU', 'US', 'partial', 'dpf'),
             ('dpf', 'EU', 'Canary Good', 'org', ''), ('sensitive', 'CN', 'user.content.self_image', 'full', ''),
             ('routes', 'CN', 'sensitive.1', 'full', '1')) AS e (list, regime, code, scope, condition);

INSERT INTO lifecycle.register_version (register_sha256, vendors) VALUES ('canary', 2);
INSERT INTO lifecycle.vendor (register_sha256, vendor, name, kind, role, clause, services, subjects, retention, erasure_connector,
                              erasure_mode, erasure_confirms, erasure_max_residual, reviewed_on, review_due_on)
SELECT 'canary', vendor, vendor, 'ai', 'processor', '4.3', '{}', '{}', 'P1D', 'manual', 'manual', 'none', '0', '2001-01-01', '2002-01-01'
FROM unnest(ARRAY['canary-good', 'canary-bare']) AS vendor;
INSERT INTO lifecycle.vendor_contract (register_sha256, vendor, contract, valid_from, valid_until, data_categories, purposes,
                                       storage_countries, access_countries)
SELECT 'canary', vendor, 'c', '2001-01-01 00:00:00+00', '2002-01-01 00:00:00+00', '{user.content.self_image}', '{essential.service}',
       countries, '{}'
FROM (VALUES ('canary-good', '{US,JP,IN,SG,FR}'::text[]), ('canary-bare', '{US,BR,IN,SG}')) AS c (vendor, countries);
INSERT INTO lifecycle.vendor_sub_processor (register_sha256, vendor, contract, name, service, countries, declared_from)
VALUES ('canary', 'canary-good', 'c', 'canary-sub', 'canary', '{JP}', '2001-01-01 00:00:00+00');
INSERT INTO lifecycle.vendor_mechanism (register_sha256, vendor, contract, position, mechanism, regimes, countries, listing, module,
                                        signed_at, assessed_at, assessment_until, assessment_positive, route, route_from, notice_from)
SELECT 'canary', vendor, 'c', position, mechanism, regimes, countries, listing, module, signed_at::timestamptz, assessed_at::timestamptz,
       '2002-01-01 00:00:00+00', true, route, route_from::timestamptz, route_from::timestamptz
FROM (VALUES
    ('canary-good', 0, 'dpf', '{EU}'::text[], '{US}'::text[], 'Canary Good', NULL, NULL, NULL, NULL, NULL),
    ('canary-good', 1, 'scc', '{EU}', '{IN}', NULL, 'c2p', '2001-01-01 00:00:00+00', '2001-01-01 00:00:00+00', NULL, NULL),
    ('canary-good', 2, 'pipl', '{CN}', '{SG}', NULL, NULL, NULL, '2001-01-01 00:00:00+00', 'standard_contract', '2001-01-01 00:00:00+00'),
    ('canary-bare', 0, 'scc', '{EU}', '{IN}', NULL, 'c2p', NULL, '2001-01-01 00:00:00+00', NULL, NULL)
) AS m (vendor, position, mechanism, regimes, countries, listing, module, signed_at, assessed_at, route, route_from);
INSERT INTO lifecycle.vendor_security (register_sha256, vendor, measure, evidence, dated, valid_until)
SELECT 'canary', vendor, measure, 'canary', '2001-01-01 00:00:00+00', '2003-01-01 00:00:00+00'
FROM unnest(ARRAY['canary-good', 'canary-bare']) AS vendor, unnest(ARRAY['tls', 'encryption', 'access']) AS measure;

-- Four people: one consented to everything, one to nothing, one withdrew in May, one consented, but not separately.
INSERT INTO lifecycle.transfer_canary_consent
SELECT who::uuid, vendor, 'user.content.self_image', purpose, kind, '2001-02-01 00:00:00+00', withdrawn::timestamptz
FROM (VALUES ('00000000-0000-4000-8000-00000000c001', 'separate_consent', NULL),
             ('00000000-0000-4000-8000-00000000c003', 'separate_consent', '2001-05-01 00:00:00+00'),
             ('00000000-0000-4000-8000-00000000c004', 'expressed_consent', NULL)) AS p (who, kind, withdrawn),
     unnest(ARRAY['canary-good', 'canary-bare']) AS vendor, unnest(ARRAY['essential.service', 'train_ai_system']) AS purpose;

INSERT INTO lifecycle.transfer_canary
    (disclosure_id, name, customer_id, is_minor, vendor, data_category, purpose, origin_country, destination_country, access_countries,
     sub_processors, transport, sent_at, expected)
SELECT ('00000000-0000-4000-8000-0000000d' || lpad(n::text, 4, '0'))::uuid, name,
       ('00000000-0000-4000-8000-00000000c00' || person)::uuid, minor, vendor, 'user.content.self_image', purpose, origin, destination,
       access::text[], subs::text[], transport, at::timestamptz, expected::text[]
FROM (VALUES
    (1, 'allowed: adequate country', 1, false, 'canary-good', 'essential.service', 'DE', 'JP', '{}', '{canary-sub}', 'TLSv1.3', '2001-06-01 00:00:00+00', '{}'),
    (2, 'allowed: partial adequacy, covered', 1, false, 'canary-good', 'essential.service', 'DE', 'US', '{}', '{}', 'TLSv1.3', '2001-06-01 00:00:00+00', '{}'),
    (3, 'allowed: clauses', 1, false, 'canary-good', 'essential.service', 'DE', 'IN', '{}', '{}', 'TLSv1.2', '2001-06-01 00:00:00+00', '{}'),
    (4, 'allowed: Chinese route', 1, false, 'canary-good', 'essential.service', 'CN', 'SG', '{}', '{}', 'TLSv1.3', '2001-06-01 00:00:00+00', '{}'),
    (5, 'allowed: inside the EEA, without consent', 2, false, 'canary-good', 'essential.service', 'DE', 'FR', '{}', '{}', NULL, '2001-06-01 00:00:00+00', '{}'),
    (6, 'allowed: before consent was withdrawn', 3, false, 'canary-good', 'essential.service', 'DE', 'JP', '{}', '{}', 'TLSv1.3', '2001-04-30 23:59:59+00', '{}'),
    (7, 'access unknown', 1, false, 'canary-good', 'essential.service', 'DE', 'JP', NULL, '{}', 'TLSv1.3', '2001-06-01 00:00:00+00', '{T01}'),
    (8, 'vendor not registered, same country', 2, false, 'canary-none', 'essential.service', 'DE', 'DE', '{}', '{}', 'TLSv1.3', '2001-06-01 00:00:00+00', '{T02,T03}'),
    (9, 'contract over that second', 1, false, 'canary-good', 'essential.service', 'DE', 'JP', '{}', '{}', 'TLSv1.3', '2002-01-01 00:00:00+00', '{T02,T03,T11}'),
    (10, 'training', 1, false, 'canary-good', 'train_ai_system', 'DE', 'JP', '{}', '{}', 'TLSv1.3', '2001-06-01 00:00:00+00', '{T03}'),
    (11, 'no mechanism', 1, false, 'canary-bare', 'essential.service', 'DE', 'BR', '{}', '{}', 'TLSv1.3', '2001-06-01 00:00:00+00', '{T04}'),
    (12, 'partial adequacy, not covered', 1, false, 'canary-bare', 'essential.service', 'DE', 'US', '{}', '{}', 'TLSv1.3', '2001-06-01 00:00:00+00', '{T05}'),
    (13, 'clauses unsigned', 1, false, 'canary-bare', 'essential.service', 'DE', 'IN', '{}', '{}', 'TLSv1.3', '2001-06-01 00:00:00+00', '{T06}'),
    (14, 'no Chinese route', 1, false, 'canary-bare', 'essential.service', 'CN', 'SG', '{}', '{}', 'TLSv1.3', '2001-06-01 00:00:00+00', '{T04,T07}'),
    (15, 'consent not separate', 4, false, 'canary-good', 'essential.service', 'CN', 'SG', '{}', '{}', 'TLSv1.3', '2001-06-01 00:00:00+00', '{T07}'),
    (16, 'transport unknown', 1, false, 'canary-good', 'essential.service', 'DE', 'JP', '{}', '{}', NULL, '2001-06-01 00:00:00+00', '{T08}'),
    (17, 'consent withdrawn that second', 3, false, 'canary-good', 'essential.service', 'DE', 'JP', '{}', '{}', 'TLSv1.3', '2001-05-01 00:00:00+00', '{T09}'),
    (18, 'no consent', 2, false, 'canary-good', 'essential.service', 'DE', 'JP', '{}', '{}', 'TLSv1.3', '2001-06-01 00:00:00+00', '{T09}'),
    (19, 'a minor, at home', 1, true, 'canary-good', 'essential.service', 'DE', 'FR', '{}', '{}', 'TLSv1.3', '2001-06-01 00:00:00+00', '{T10}'),
    (20, 'passed on', 1, false, 'canary-good', 'essential.service', 'DE', 'JP', '{}', '{canary-other}', 'TLSv1.3', '2001-06-01 00:00:00+00', '{T11}'),
    (21, 'everything at once', 2, true, 'canary-none', 'train_ai_system', 'CN', 'US', NULL, NULL, NULL, '2001-06-01 00:00:00+00', '{T01,T02,T03,T04,T07,T08,T09,T10,T11}')
) AS c (n, name, person, minor, vendor, purpose, origin, destination, access, subs, transport, at, expected);
