-- What a run was to judge, and the canaries in their own small world, with what stood at the moment of sending: wide enough that
-- judging looks at nothing else of a person. Two hashes over all that a rule looks at say which disclosures are alike.
CREATE TEMPORARY TABLE subject ON COMMIT DROP AS
WITH chosen AS NOT MATERIALIZED (
    SELECT d.*, i.supersedes
    FROM lifecycle.transfer_item i JOIN lifecycle.transfer_subject d USING (disclosure_id)
    WHERE i.run_id = %(run_id)s AND NOT d.canary
    UNION ALL
    SELECT d.*, NULL FROM lifecycle.transfer_subject d WHERE d.canary
), given AS (
    SELECT c.pii_principal_id AS customer_id, c.recipient_third_party AS vendor, c.pii_type AS data_category, c.purpose, c.consent_type,
           -- Consent ends with the notice it was given under.
           tstzrange(c.given_at, c.withdrawn_at) * tstzrange(n.since, n.until) AS stood
    FROM studio.consents c
    JOIN unnest(%(notices)s::text[], %(notice_from)s::timestamptz[], %(notice_until)s::timestamptz[]) AS n (version, since, until)
        ON n.version = c.privacy_notice_version
    WHERE NOT c.bundled AND c.consent_type IN ('expressed_consent', 'separate_consent')
      AND c.pii_principal_id IN (SELECT customer_id FROM chosen)
    UNION ALL
    SELECT customer_id, vendor, data_category, purpose, consent_type, tstzrange(given_at, withdrawn_at)
    FROM lifecycle.transfer_canary_consent
), consent AS (
    SELECT customer_id, vendor, data_category, purpose, range_agg(stood) AS explicit,
           range_agg(stood) FILTER (WHERE consent_type = 'separate_consent') AS separate
    FROM given
    GROUP BY customer_id, vendor, data_category, purpose
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
