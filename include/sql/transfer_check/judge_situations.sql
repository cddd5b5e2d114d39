-- The judgement. All disclosures that are alike in everything a rule looks at are judged once, as of their sending; the wide row
-- of a situation has all facts, and the rule table says which of them must hold. What is unknown does not hold.
INSERT INTO judged (key, one_situation, canary, register_sha256, reference_sha256, vendor, data_category, purpose, origin_country, destination_country,
                    access_countries, sub_processors, transport, minor, explicit_consent, separate_consent, volume_level, since,
                    disclosures, cross_border, broken, rules)
WITH situation AS MATERIALIZED (
    SELECT key, min(other_key) = max(other_key) AS one_situation, bool_or(canary) AS canary, 
           CASE WHEN bool_or(canary) THEN 'canary' ELSE %(register)s END AS register_sha256,
           CASE WHEN bool_or(canary) THEN 'canary' ELSE %(reference)s END AS reference_sha256, any_value(vendor) AS vendor, any_value(data_category) AS data_category,
           any_value(purpose) AS purpose, any_value(origin_country) AS origin_country,
           any_value(destination_country) AS destination_country, any_value(access_countries) AS access_countries,
           any_value(sub_processors) AS sub_processors, any_value(transport) AS transport, bool_or(minor) AS minor,
           bool_and(explicit_consent) AS explicit_consent, bool_and(separate_consent) AS separate_consent,
           max(volume_level) AS volume_level, coalesce((%(breaks)s::timestamptz[])[any_value(epoch)], '-infinity') AS at,
           count(*) AS disclosures
    FROM subject
    GROUP BY key
), in_force AS (
    SELECT v.register_sha256, v.vendor, v.role, c.contract, c.valid_from, c.valid_until, c.data_categories, c.purposes,
           c.storage_countries, c.access_countries
    FROM lifecycle.vendor v JOIN lifecycle.vendor_contract c USING (register_sha256, vendor)
), placed AS MATERIALIZED (
    SELECT s.*, o.regime, v.role, c.contract, c.valid_from, c.valid_until, c.data_categories, c.purposes, c.storage_countries,
           c.access_countries AS declared_access, v.vendor IS NOT NULL AS registered,
           e.code IS NOT NULL AS from_eea,
           s.origin_country IS NOT NULL AND s.destination_country IS NOT NULL AND s.access_countries IS NOT NULL
               AND s.sub_processors IS NOT NULL AND array_position(s.access_countries, NULL) IS NULL
               AND array_position(s.sub_processors, NULL) IS NULL AS known
    FROM situation s
    LEFT JOIN lifecycle.vendor v USING (register_sha256, vendor)
    LEFT JOIN in_force c ON c.register_sha256 = s.register_sha256 AND c.vendor = s.vendor
        AND lifecycle.holds(c.valid_from, c.valid_until, s.at)
    LEFT JOIN lifecycle.reference_entry o ON o.reference_sha256 = s.reference_sha256 AND o.list = 'origins'
        AND o.code = s.origin_country AND o.status = 'in_force' AND lifecycle.holds(o.in_force_from, o.in_force_until, s.at)
    LEFT JOIN lifecycle.reference_entry e ON e.reference_sha256 = s.reference_sha256 AND e.list = 'eea'
        AND e.code = s.origin_country AND e.status = 'in_force' AND lifecycle.holds(e.in_force_from, e.in_force_until, s.at)
), passed_on AS (
    SELECT p.key, coalesce(array_agg(d.name) FILTER (WHERE d.name IS NOT NULL), '{}') @> p.sub_processors AS all_declared,
           jsonb_agg(d.name) FILTER (WHERE d.name IS NOT NULL) AS names
    FROM placed p
    LEFT JOIN lifecycle.vendor_sub_processor d ON d.register_sha256 = p.register_sha256 AND d.vendor = p.vendor
        AND d.contract = p.contract AND d.name = ANY (p.sub_processors) AND lifecycle.holds(d.declared_from, d.declared_until, p.at)
    GROUP BY p.key, p.sub_processors
), reached AS (
    -- Who gets it in which country.
    SELECT p.key, p.vendor AS recipient, u.country, x.listing
    FROM placed p
    CROSS JOIN LATERAL (SELECT DISTINCT country FROM unnest(p.access_countries || p.destination_country) AS c (country)
                        WHERE country IS NOT NULL) AS u
    LEFT JOIN LATERAL (SELECT (array_agg(m.listing ORDER BY m.position))[1] AS listing FROM lifecycle.vendor_mechanism m
                       WHERE m.register_sha256 = p.register_sha256 AND m.vendor = p.vendor AND m.contract = p.contract
                         AND m.mechanism = 'dpf' AND p.regime = ANY (m.regimes)) AS x ON true
    UNION ALL
    SELECT p.key, d.name, u.country, d.dpf_listing
    FROM placed p
    JOIN lifecycle.vendor_sub_processor d ON d.register_sha256 = p.register_sha256 AND d.vendor = p.vendor
        AND d.contract = p.contract AND d.name = ANY (p.sub_processors) AND lifecycle.holds(d.declared_from, d.declared_until, p.at)
    CROSS JOIN LATERAL unnest(d.countries) AS u (country)
), foreign_country AS (
    SELECT r.*
    FROM reached r
    JOIN placed p USING (key)
    LEFT JOIN lifecycle.reference_entry e ON e.reference_sha256 = p.reference_sha256 AND e.list = 'eea' AND e.code = r.country
        AND e.status = 'in_force' AND lifecycle.holds(e.in_force_from, e.in_force_until, p.at)
    WHERE r.country <> p.origin_country IS NOT FALSE AND NOT (p.from_eea AND e.code IS NOT NULL)
), covering AS (
    SELECT f.key, f.recipient, f.country, a.scope, a.instrument, a.in_force_from, a.in_force_until, a.source, a.condition,
           coalesce(a.scope = 'full' OR a.condition = 'dpf' AND l.code IS NOT NULL OR a.condition = ANY (m.covered_as), false)
               AS adequate,
           coalesce(m.clauses, false) AS clauses, coalesce(m.clauses_fit, false) AS clauses_fit,
           coalesce(m.chinese, false) AS chinese, coalesce(m.chinese_fit, false) AS chinese_fit, m.facts
    FROM foreign_country f
    JOIN placed p USING (key)
    LEFT JOIN lifecycle.reference_entry a ON a.reference_sha256 = p.reference_sha256 AND a.list = 'adequacy' AND a.regime = p.regime
        AND a.code = f.country AND a.scope IN ('full', 'partial') AND a.status = 'in_force'
        AND lifecycle.holds(a.in_force_from, a.in_force_until, p.at)
    LEFT JOIN lifecycle.reference_entry l ON l.reference_sha256 = p.reference_sha256 AND l.list = 'dpf' AND l.regime = p.regime
        AND l.code = f.listing AND l.status = 'in_force' AND lifecycle.holds(l.in_force_from, l.in_force_until, p.at)
    LEFT JOIN LATERAL (
        SELECT array_agg(m.covered_as) FILTER (WHERE m.mechanism = 'adequacy') AS covered_as,
               bool_or(m.mechanism IN ('scc', 'idta')) AS clauses,
               bool_or(m.mechanism IN ('scc', 'idta') AND t.signed AND t.module_fits AND t.assessed) AS clauses_fit,
               bool_or(m.mechanism = 'pipl') AS chinese,
               bool_or(m.mechanism = 'pipl' AND t.assessed AND t.noticed AND t.routed) AS chinese_fit,
               jsonb_agg(jsonb_strip_nulls(jsonb_build_object('mechanism', m.mechanism, 'module', m.module, 'signed', t.signed,
                   'signed_at', m.signed_at, 'module_fits', t.module_fits, 'assessed', t.assessed, 'assessed_at', m.assessed_at,
                   'assessment_until', m.assessment_until, 'assessment_positive', m.assessment_positive, 'route', m.route,
                   'routed', t.routed, 'route_from', m.route_from, 'route_until', m.route_until, 'noticed', t.noticed,
                   'notice_from', m.notice_from, 'listing', m.listing)) ORDER BY m.position) AS facts
        FROM lifecycle.vendor_mechanism m
        CROSS JOIN LATERAL (
            SELECT CASE WHEN m.mechanism IN ('scc', 'idta') THEN coalesce(m.signed_at <= p.at, false) END AS signed,
                   CASE WHEN m.mechanism = 'scc' THEN m.module = CASE p.role WHEN 'processor' THEN 'c2p' ELSE 'c2c' END
                        WHEN m.mechanism = 'idta' THEN true END AS module_fits,
                   CASE WHEN m.mechanism IN ('scc', 'idta', 'pipl')
                        THEN coalesce(m.assessment_positive AND lifecycle.holds(m.assessed_at, m.assessment_until, p.at), false) END
                       AS assessed,
                   CASE WHEN m.mechanism = 'pipl' THEN coalesce(m.notice_from <= p.at, false) END AS noticed,
                   CASE WHEN m.mechanism = 'pipl'
                        THEN p.volume_level = 0
                             OR coalesce(lifecycle.holds(m.route_from, m.route_until, p.at) AND CASE m.route
                                    WHEN 'security_assessment' THEN p.volume_level <= 2 WHEN 'exempt' THEN false
                                    ELSE p.volume_level <= 1 END, false) END AS routed
        ) AS t
        WHERE m.register_sha256 = p.register_sha256 AND m.vendor = p.vendor AND m.contract = p.contract
          AND p.regime = ANY (m.regimes) AND f.country = ANY (m.countries)
    ) AS m ON true
), covered AS (
    SELECT key,
           bool_and(CASE WHEN p.regime = 'CN' THEN c.chinese ELSE c.scope IS NOT NULL OR c.clauses END) AS t04,
           bool_and(c.adequate OR c.scope IS DISTINCT FROM 'partial' OR c.clauses_fit) AS t05,
           bool_and(c.adequate OR NOT c.clauses OR c.clauses_fit) AS t06,
           bool_and(c.chinese_fit) AS chinese_fit,
           jsonb_agg(jsonb_strip_nulls(jsonb_build_object('recipient', c.recipient, 'country', c.country, 'scope', c.scope,
               'instrument', c.instrument, 'in_force_from', c.in_force_from, 'in_force_until', c.in_force_until, 'source', c.source,
               'condition', nullif(c.condition, ''), 'adequate', c.adequate, 'mechanisms', c.facts)) ORDER BY c.country, c.recipient)
               AS facts
    FROM covering c JOIN placed p USING (key)
    GROUP BY key
), secured AS (
    SELECT p.key, count(DISTINCT e.measure) = 3 AS complete,
           jsonb_agg(jsonb_build_object('measure', e.measure, 'evidence', e.evidence, 'dated', e.dated, 'valid_until', e.valid_until)
                     ORDER BY e.measure) FILTER (WHERE e.measure IS NOT NULL) AS facts
    FROM placed p
    LEFT JOIN lifecycle.vendor_security e ON e.register_sha256 = p.register_sha256 AND e.vendor = p.vendor
        AND lifecycle.holds(e.dated, e.valid_until, p.at)
    GROUP BY p.key
), wide AS (
    SELECT p.*, n.all_declared, n.names, s.complete AS secure, s.facts AS security_facts, c.t04, c.t05, c.t06, c.chinese_fit,
           c.facts AS country_facts,
           coalesce(p.known AND n.all_declared AND c.key IS NULL, false) IS NOT TRUE AS cross_border
    FROM placed p
    JOIN passed_on n USING (key)
    JOIN secured s USING (key)
    LEFT JOIN covered c USING (key)
)
SELECT w.key, w.one_situation, w.canary, w.register_sha256, w.reference_sha256, w.vendor, w.data_category, w.purpose, w.origin_country,
       w.destination_country, w.access_countries, w.sub_processors, w.transport, w.minor, w.explicit_consent, w.separate_consent,
       w.volume_level, w.at, w.disclosures, w.cross_border, v.broken, v.rules
FROM wide w
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(r.rule ORDER BY r.rule) FILTER (WHERE a.applies IS NOT FALSE AND f.kept IS NOT TRUE), '{}') AS broken,
           jsonb_object_agg(r.rule, jsonb_build_object('applies', a.applies, 'kept', f.kept, 'facts', f.facts)) AS rules
    FROM lifecycle.transfer_rule r
    CROSS JOIN LATERAL (SELECT CASE r.applies WHEN 'always' THEN true WHEN 'abroad' THEN w.cross_border
                                   WHEN 'abroad from CN' THEN w.cross_border AND w.regime = 'CN' END AS applies) AS a
    LEFT JOIN (VALUES
        ('T01', w.known,
            jsonb_build_object('origin', w.origin_country, 'destination', w.destination_country, 'access', w.access_countries,
                               'sub_processors', w.sub_processors)),
        ('T02', w.contract IS NOT NULL,
            jsonb_build_object('registered', w.registered, 'contract', w.contract, 'valid_from', w.valid_from, 'valid_until', w.valid_until)),
        ('T03', w.data_category = ANY (w.data_categories) AND w.purpose = ANY (w.purposes),
            jsonb_build_object('contract', w.contract, 'data_categories', w.data_categories, 'purposes', w.purposes)),
        ('T04', w.regime IS NOT NULL AND coalesce(w.t04, true),
            jsonb_build_object('regime', w.regime, 'countries', w.country_facts)),
        ('T05', w.regime = 'CN' OR coalesce(w.t05, true), jsonb_build_object('regime', w.regime)),
        ('T06', w.regime = 'CN' OR coalesce(w.t06, true), jsonb_build_object('regime', w.regime, 'role', w.role)),
        ('T07', w.separate_consent AND coalesce(w.chinese_fit, true),
            jsonb_build_object('separate_consent', w.separate_consent, 'volume_level', w.volume_level)),
        ('T08', w.transport IN ('TLSv1.2', 'TLSv1.3') AND w.secure,
            jsonb_build_object('transport', w.transport, 'evidence', w.security_facts)),
        ('T09', w.explicit_consent, jsonb_build_object('explicit_consent', w.explicit_consent)),
        ('T10', NOT w.minor, jsonb_build_object('minor', w.minor)),
        ('T11', w.contract IS NOT NULL
                AND (w.destination_country IS NULL OR w.destination_country = ANY (w.storage_countries))
                AND (w.access_countries IS NULL OR w.access_countries <@ (w.storage_countries || w.declared_access))
                AND (w.sub_processors IS NULL OR w.all_declared),
            jsonb_build_object('storage_countries', w.storage_countries, 'access_countries', w.declared_access,
                               'sub_processors', w.names))
    ) AS f (rule, kept, facts) USING (rule)
) AS v
