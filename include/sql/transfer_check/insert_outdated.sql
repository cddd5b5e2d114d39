-- Judged with another register or other reference lists than those of today; and what there is to say of it.
WITH chosen AS MATERIALIZED (
    SELECT v.disclosure_id, v.verdict_id, d.vendor, d.sent_at,
           (d.origin_country IS NULL OR d.destination_country IS NULL OR d.access_countries IS NULL OR d.sub_processors IS NULL
               OR d.transport IS NULL) AS incomplete
    FROM lifecycle.current_verdict v
    JOIN studio.disclosures d USING (disclosure_id)
    WHERE (v.register_sha256, v.reference_sha256) <> (%(register)s, %(reference)s) AND d.sent_at <= %(as_of)s
), kept AS (
    INSERT INTO lifecycle.transfer_item (run_id, disclosure_id, supersedes)
    SELECT %(run_id)s, disclosure_id, verdict_id FROM chosen
)
SELECT vendor, count(*) AS items, min(sent_at) AS first_at, max(sent_at) AS last_at, count(*) FILTER (WHERE incomplete) AS incomplete
FROM chosen
GROUP BY vendor
