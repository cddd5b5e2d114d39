-- A disclosure that has not happened: to a vendor as its contract says, one row for each country in which it may be kept.
CREATE TEMPORARY TABLE subject ON COMMIT DROP AS
WITH consent AS (
    SELECT c.consent_type
    FROM studio.consents c
    JOIN unnest(%(notices)s::text[], %(notice_from)s::timestamptz[], %(notice_until)s::timestamptz[]) AS n (version, since, until)
        ON n.version = c.privacy_notice_version
    WHERE c.pii_principal_id = %(customer_id)s AND c.recipient_third_party = %(vendor)s AND c.pii_type = %(category)s
      AND c.purpose = %(purpose)s AND NOT c.bundled AND c.consent_type IN ('expressed_consent', 'separate_consent')
      AND %(at)s <@ (tstzrange(c.given_at, c.withdrawn_at) * tstzrange(n.since, n.until))
)
SELECT w.*,
       hash_record_extended(ROW (canary, epoch, vendor, data_category, purpose, origin_country, destination_country, access_countries,
           sub_processors, transport, minor, explicit_consent, separate_consent, volume_level), 0) AS key,
       hash_record_extended(ROW (canary, epoch, vendor, data_category, purpose, origin_country, destination_country, access_countries,
           sub_processors, transport, minor, explicit_consent, separate_consent, volume_level), 1) AS other_key
FROM (
    SELECT gen_random_uuid() AS disclosure_id, NULL::bigint AS supersedes, false AS canary, %(at)s::timestamptz AS sent_at,
           width_bucket(%(at)s, %(breaks)s::timestamptz[]) AS epoch, %(vendor)s AS vendor, %(category)s AS data_category,
           %(purpose)s AS purpose, c.country::text AS origin_country, w.country AS destination_country, k.access_countries,
           ARRAY(SELECT p.name FROM lifecycle.vendor_sub_processor p
                 WHERE p.register_sha256 = %(register)s AND p.vendor = %(vendor)s AND p.contract = k.contract
                   AND lifecycle.holds(p.declared_from, p.declared_until, %(at)s) ORDER BY p.name) AS sub_processors,
           'TLSv1.3' AS transport, c.is_minor AS minor, EXISTS (SELECT FROM consent) AS explicit_consent,
           EXISTS (SELECT FROM consent WHERE consent_type = 'separate_consent') AS separate_consent,
           CASE WHEN c.country <> 'CN' THEN 0
                WHEN EXISTS (SELECT FROM lifecycle.reference_entry s WHERE s.reference_sha256 = %(reference)s AND s.list = 'sensitive'
                               AND s.regime = 'CN' AND s.code = %(category)s)
                    THEN (%(sensitive_levels)s::integer[])[1 + width_bucket(%(at)s, %(sensitive_breaks)s::timestamptz[])]
                ELSE (%(general_levels)s::integer[])[1 + width_bucket(%(at)s, %(general_breaks)s::timestamptz[])] END AS volume_level
    FROM studio.customers c
    LEFT JOIN lifecycle.vendor_contract k ON k.register_sha256 = %(register)s AND k.vendor = %(vendor)s
        AND lifecycle.holds(k.valid_from, k.valid_until, %(at)s)
    LEFT JOIN LATERAL unnest(k.storage_countries) AS w (country) ON true
    WHERE c.customer_id = %(customer_id)s
) AS w
