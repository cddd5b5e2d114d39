-- What was sent up to the moment and has no verdict yet, however late it was recorded; and what there is to say of it.
WITH chosen AS MATERIALIZED (
    SELECT d.disclosure_id, d.vendor, d.sent_at,
           (d.origin_country IS NULL OR d.destination_country IS NULL OR d.access_countries IS NULL OR d.sub_processors IS NULL
               OR d.transport IS NULL) AS incomplete
    FROM studio.disclosures d
    WHERE d.sent_at <= %(as_of)s
      AND NOT EXISTS (SELECT FROM lifecycle.verdict v WHERE v.disclosure_id = d.disclosure_id AND v.supersedes IS NULL)
), kept AS (
    INSERT INTO lifecycle.transfer_item (run_id, disclosure_id) SELECT %(run_id)s, disclosure_id FROM chosen
)
SELECT vendor, count(*) AS items, min(sent_at) AS first_at, max(sent_at) AS last_at, count(*) FILTER (WHERE incomplete) AS incomplete
FROM chosen
GROUP BY vendor
