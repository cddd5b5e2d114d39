-- When, in each year of Chinese time, so many people's data had left China that a stricter route was needed (rules of
-- 22 March 2024: counted from 1 January, sensitive data apart from other). Denied disclosures count: they were sent.
WITH threshold AS (
    SELECT split_part(code, '.', 1) AS class, split_part(code, '.', 2)::integer AS level, condition::bigint AS people
    FROM lifecycle.reference_entry
    WHERE reference_sha256 = %(reference)s AND list = 'routes' AND regime = 'CN' AND status = 'in_force'
      AND lifecycle.holds(in_force_from, in_force_until, %(until)s)
), counted AS (
    SELECT date_trunc('year', d.sent_at, 'Asia/Shanghai') AS since, o.customer_id,
           CASE WHEN s.code IS NULL THEN 'general' ELSE 'sensitive' END AS class, min(d.sent_at) AS at
    FROM studio.disclosures d
    JOIN studio.orders o USING (order_id)
    LEFT JOIN lifecycle.reference_entry s
        ON s.reference_sha256 = %(reference)s AND s.list = 'sensitive' AND s.regime = 'CN' AND s.code = d.data_category
    WHERE d.origin_country = 'CN' AND (d.destination_country <> 'CN' OR NOT d.access_countries <@ ARRAY['CN']) IS NOT FALSE
      AND d.sent_at >= date_trunc('year', %(since)s::timestamptz, 'Asia/Shanghai') AND d.sent_at <= %(until)s
    GROUP BY 1, 2, 3
), ranked AS (
    SELECT since, class, at, row_number() OVER (PARTITION BY since, class ORDER BY at) AS people FROM counted
)
SELECT r.since, t.class, t.level, r.at FROM ranked r JOIN threshold t USING (class, people)
UNION ALL
-- Every year begins with what the first person already needs.
SELECT y.since, c.class, coalesce((SELECT max(t.level) FROM threshold t WHERE t.class = c.class AND t.people <= 1), 0), y.since
FROM (SELECT DISTINCT since FROM counted) AS y, (VALUES ('general'), ('sensitive')) AS c (class)
ORDER BY 2, 4, 3
