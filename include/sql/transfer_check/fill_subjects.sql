-- What a run was to judge, and the canaries in their own small world, with what stood at the moment of sending: wide enough that
-- judging looks at nothing else of a person. Two hashes over all that a rule looks at say which disclosures are alike.
CREATE TEMPORARY TABLE subject ON COMMIT DROP AS
WITH item AS MATERIALIZED (
    -- Without what another run judged meanwhile: that keeps that run's verdict.
    SELECT i.disclosure_id, i.supersedes
    FROM lifecycle.transfer_item i
    WHERE i.run_id = %(run_id)s AND i.supersedes IS NULL
      AND NOT EXISTS (SELECT FROM lifecycle.verdict v WHERE v.disclosure_id = i.disclosure_id AND v.supersedes IS NULL)
    UNION ALL
    SELECT i.disclosure_id, i.supersedes
    FROM lifecycle.transfer_item i
    WHERE i.run_id = %(run_id)s AND i.supersedes IS NOT NULL
      AND NOT EXISTS (SELECT FROM lifecycle.verdict v WHERE v.supersedes = i.supersedes)
), chosen AS NOT MATERIALIZED (
    SELECT d.*, i.supersedes
    FROM item i JOIN lifecycle.transfer_subject d USING (disclosure_id)
    WHERE NOT d.canary
    UNION ALL
    SELECT d.*, NULL FROM lifecycle.transfer_subject d WHERE d.canary
)
SELECT w.*,
       hash_record_extended(ROW (canary, epoch, vendor, data_category, purpose, origin_country, destination_country, access_countries,
           sub_processors, transport, minor, explicit_consent, separate_consent, volume_level), 0) AS key,
       hash_record_extended(ROW (canary, epoch, vendor, data_category, purpose, origin_country, destination_country, access_countries,
           sub_processors, transport, minor, explicit_consent, separate_consent, volume_level), 1) AS other_key
FROM (
    SELECT d.disclosure_id, d.supersedes, d.canary, d.sent_at, width_bucket(d.sent_at, %(breaks)s::timestamptz[]) AS epoch,
           d.vendor, d.data_category, d.purpose, d.origin_country, d.destination_country, d.access_countries,
           d.sub_processors, d.transport, d.is_minor AS minor,
           coalesce(d.sent_at <@ c.explicit, false) AS explicit_consent,
           coalesce(d.sent_at <@ c.separate, false) AS separate_consent,
           CASE WHEN d.origin_country IS DISTINCT FROM 'CN' THEN 0
                WHEN d.canary THEN (s.code IS NOT NULL)::integer
                WHEN s.code IS NOT NULL
                    THEN (%(sensitive_levels)s::integer[])[1 + width_bucket(d.sent_at, %(sensitive_breaks)s::timestamptz[])]
                ELSE (%(general_levels)s::integer[])[1 + width_bucket(d.sent_at, %(general_breaks)s::timestamptz[])] END
               AS volume_level
    FROM chosen d
    LEFT JOIN lifecycle.reference_entry s
        ON s.reference_sha256 = CASE WHEN d.canary THEN 'canary' ELSE %(reference)s END
        AND s.list = 'sensitive' AND s.regime = 'CN' AND s.code = d.data_category
    LEFT JOIN consent c USING (customer_id, vendor, data_category, purpose)
) AS w
