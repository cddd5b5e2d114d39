-- One pass over everything sent up to the moment, the canaries with it: counts, and every difference from the register.
WITH term AS (
    -- Every moment has one contract to be compared with: the one begun last, before the first the first.
    SELECT register_sha256 = 'canary' AS canary, vendor, contract, valid_from, valid_until, data_categories, purposes, storage_countries,
           storage_countries || access_countries AS access_countries,
           CASE WHEN row_number() OVER earlier = 1 THEN '-infinity' ELSE valid_from END AS counts_from,
           coalesce(lead(valid_from) OVER earlier, 'infinity') AS counts_until
    FROM lifecycle.vendor_contract
    WHERE register_sha256 IN (%(register)s, 'canary')
    WINDOW earlier AS (PARTITION BY register_sha256, vendor ORDER BY valid_from)
), registered AS (
    SELECT register_sha256 = 'canary' AS canary, vendor, kind, review_due_on
    FROM lifecycle.vendor WHERE register_sha256 IN (%(register)s, 'canary')
), sent AS MATERIALIZED (
    SELECT hash_record_extended(ROW(s.canary, s.vendor, s.data_category, s.purpose, s.country, s.access_countries, s.sub_processors,
                                    t.contract, s.sent_at >= t.valid_from, s.sent_at < t.valid_until), 0) AS key,
           s.*, t.contract, s.sent_at >= t.valid_from AS begun, s.sent_at >= t.valid_until AS ended
    FROM lifecycle.inventory_subject s
    LEFT JOIN term t ON t.canary = s.canary AND t.vendor = s.vendor AND t.counts_from <= s.sent_at AND s.sent_at < t.counts_until
    WHERE s.sent_at <= %(as_of)s
), alike AS (
    -- A few hundred kinds of disclosures, however many there are of each. Free text that is no identifier may name a person
    -- and goes no further: it is counted under a word of ours.
    SELECT key, bool_and(canary) AS canary, any_value(country) AS country, any_value(access_countries) AS access_countries,
           any_value(sub_processors) AS sub_processors, any_value(contract) AS contract, bool_and(begun) AS begun, bool_and(ended) AS ended,
           CASE WHEN any_value(vendor) ~ '^[a-z][a-z0-9-]{1,40}$' THEN any_value(vendor) ELSE '(no identifier)' END AS vendor,
           CASE WHEN any_value(data_category) ~ '^[a-z_]{2,40}(\.[a-z_]{2,40}){0,6}$' THEN any_value(data_category) ELSE '(no key)' END
               AS data_category,
           CASE WHEN any_value(purpose) ~ '^[a-z_]{2,40}(\.[a-z_]{2,40}){0,6}$' THEN any_value(purpose) ELSE '(no key)' END AS purpose
    FROM sent GROUP BY key
), seen AS (
    SELECT a.canary, a.vendor, a.data_category, a.country, a.purpose, s.person, s.file, s.sent_at FROM sent s JOIN alike a USING (key)
), candidate AS (
    SELECT DISTINCT a.key, a.canary, a.vendor, d.kind, d.subject, d.forbidden, coalesce(a.contract, '') AS contract
    FROM alike a
    LEFT JOIN registered r USING (canary, vendor)
    LEFT JOIN term t USING (canary, vendor, contract)
    CROSS JOIN LATERAL (
        SELECT 'unlisted_vendor' AS kind, '' AS subject, false AS forbidden WHERE r.vendor IS NULL
        UNION ALL SELECT 'contract_not_begun', '', false WHERE NOT a.begun
        UNION ALL SELECT 'contract_expired', '', false WHERE a.ended
        UNION ALL
        SELECT 'new_category', a.data_category,
               NOT EXISTS (SELECT FROM unnest(%(category_kinds)s::text[], %(categories)s::text[]) AS p (kind, category)
                           WHERE p.kind = r.kind AND p.category = a.data_category)
        WHERE a.data_category <> ALL (t.data_categories)
        UNION ALL
        SELECT 'purpose_outside_contract', a.purpose,
               NOT EXISTS (SELECT FROM unnest(%(use_kinds)s::text[], %(uses)s::text[]) AS p (kind, use)
                           WHERE p.kind = r.kind AND p.use = a.purpose)
        WHERE a.purpose <> ALL (t.purposes)
        UNION ALL SELECT 'new_country', a.country, false WHERE a.country <> ALL (t.storage_countries)
        UNION ALL
        SELECT 'new_country', c.country, false FROM unnest(a.access_countries) AS c (country)
        WHERE c.country <> ALL (t.access_countries) AND c.country IS DISTINCT FROM a.country
        UNION ALL SELECT 'country_unknown', '', false WHERE t.contract IS NOT NULL AND (a.country IS NULL OR a.access_countries IS NULL)
        UNION ALL
        -- Whether it was declared depends on the moment: decided below, row by row.
        SELECT 'new_sub_processor', p.name, false FROM unnest(a.sub_processors) AS p (name) WHERE t.contract IS NOT NULL
        UNION ALL SELECT 'sub_processor_unknown', '', false WHERE t.contract IS NOT NULL AND a.sub_processors IS NULL
    ) AS d
), differing AS (
    SELECT c.canary, c.kind, c.vendor,
           CASE WHEN c.kind <> 'new_sub_processor' OR c.subject ~ '^[a-z][a-z0-9-]{1,40}$' THEN c.subject ELSE '(no identifier)' END AS subject,
           c.contract, c.forbidden, count(*) AS disclosures,
           count(DISTINCT s.person) AS people, min(s.sent_at) AS since, max(s.sent_at) AS last_at
    FROM candidate c JOIN sent s USING (key)
    WHERE c.kind <> 'new_sub_processor'
       OR NOT EXISTS (SELECT FROM lifecycle.vendor_sub_processor p
                      WHERE p.register_sha256 = CASE WHEN c.canary THEN 'canary' ELSE %(register)s END AND p.vendor = c.vendor
                        AND p.contract = c.contract AND p.name = c.subject AND lifecycle.holds(p.declared_from, p.declared_until, s.sent_at))
    GROUP BY c.canary, c.kind, c.vendor, 4, c.contract, c.forbidden
), counted AS (
    SELECT canary, vendor, count(*) AS disclosures, count(DISTINCT person) AS people, count(DISTINCT file) AS objects,
           min(sent_at) AS first_at, max(sent_at) AS last_at
    FROM seen GROUP BY canary, vendor
), kept_lines AS (
    INSERT INTO lifecycle.inventory_line (run_id, canary, vendor, data_category, country, purposes, disclosures, people, objects,
                                          first_at, last_at)
    SELECT %(run_id)s, canary, vendor, data_category, coalesce(country, 'unknown'), array_agg(DISTINCT purpose), count(*),
           count(DISTINCT person), count(DISTINCT file), min(sent_at), max(sent_at)
    FROM seen GROUP BY canary, vendor, data_category, country
), kept_vendors AS (
    INSERT INTO lifecycle.inventory_vendor (run_id, canary, vendor, registered, disclosures, people, objects, first_at, last_at)
    SELECT %(run_id)s, canary, vendor, r.vendor IS NOT NULL, coalesce(c.disclosures, 0), coalesce(c.people, 0), coalesce(c.objects, 0),
           c.first_at, c.last_at
    FROM counted c FULL JOIN (SELECT canary, vendor FROM registered) r USING (canary, vendor)
)
INSERT INTO lifecycle.inventory_drift (run_id, canary, kind, vendor, subject, contract, forbidden, disclosures, people, since, last_at)
SELECT %(run_id)s, canary, kind, vendor, subject, contract, forbidden, disclosures, people, since, last_at FROM differing
UNION ALL
SELECT %(run_id)s, t.canary, 'no_traffic', t.vendor, '', t.contract, false, 0, 0, coalesce(c.last_at, t.valid_from), NULL
FROM term t LEFT JOIN counted c USING (canary, vendor)
WHERE lifecycle.holds(t.valid_from, t.valid_until, %(as_of)s)
  AND greatest(c.last_at, t.valid_from) <= %(as_of)s - %(quiet_after)s::interval
UNION ALL
SELECT %(run_id)s, canary, 'review_overdue', vendor, '', '', false, 0, 0, review_due_on::timestamp AT TIME ZONE 'UTC', NULL
FROM registered
WHERE review_due_on < (%(as_of)s AT TIME ZONE 'UTC')::date
