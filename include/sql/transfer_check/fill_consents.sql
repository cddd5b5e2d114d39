-- When consent stood that counts: of everybody of whom anything was sent in that time, which is cheaper to find than those in question
-- and enough; and of the canaries' people. A table, so that it has statistics: there may be a handful or millions.
CREATE TEMPORARY TABLE consent ON COMMIT DROP AS
WITH person AS MATERIALIZED (
    SELECT DISTINCT o.customer_id
    FROM studio.disclosures d JOIN studio.orders o USING (order_id)
    WHERE d.sent_at BETWEEN %(since)s AND %(until)s
), theirs AS MATERIALIZED (
    -- On its own, so that people lead to consents whatever is guessed of notices.
    SELECT c.pii_principal_id AS customer_id, c.recipient_third_party AS vendor, c.pii_type AS data_category, c.purpose, c.consent_type,
           c.privacy_notice_version, tstzrange(c.given_at, c.withdrawn_at) AS stood
    FROM person p JOIN studio.consents c ON c.pii_principal_id = p.customer_id
    WHERE NOT c.bundled AND c.consent_type IN ('expressed_consent', 'separate_consent')
), given AS (
    -- Consent ends with the notice it was given under.
    SELECT t.customer_id, t.vendor, t.data_category, t.purpose, t.consent_type, t.stood * tstzrange(n.since, n.until) AS stood
    FROM theirs t
    JOIN unnest(%(notices)s::text[], %(notice_from)s::timestamptz[], %(notice_until)s::timestamptz[]) AS n (version, since, until)
        ON n.version = t.privacy_notice_version
    UNION ALL
    SELECT customer_id, vendor, data_category, purpose, consent_type, tstzrange(given_at, withdrawn_at)
    FROM lifecycle.transfer_canary_consent
)
SELECT customer_id, vendor, data_category, purpose, range_agg(stood) AS explicit,
       range_agg(stood) FILTER (WHERE consent_type = 'separate_consent') AS separate
FROM given
GROUP BY customer_id, vendor, data_category, purpose
