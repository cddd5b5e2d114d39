-- The consents of the person of one disclosure that are about its recipient, with what is wrong with each at sending.
SELECT c.given_at, c.withdrawn_at, c.consent_type, c.bundled, c.privacy_notice_version, c.pii_type, c.purpose,
       array_remove(ARRAY[
           CASE WHEN c.pii_type <> d.data_category THEN 'for other data' END,
           CASE WHEN c.purpose <> d.purpose THEN 'for another purpose' END,
           CASE WHEN c.bundled THEN 'bundled' END,
           CASE WHEN c.consent_type = 'implied_consent' THEN 'implied' END,
           CASE WHEN c.given_at > d.sent_at THEN 'given after sending' END,
           CASE WHEN c.withdrawn_at <= d.sent_at THEN 'withdrawn before sending' END,
           CASE WHEN coalesce(NOT lifecycle.holds(n.since, n.until, d.sent_at), true) THEN 'notice not in force' END
       ], NULL) AS faults
FROM lifecycle.transfer_subject d
JOIN studio.consents c ON c.pii_principal_id = d.customer_id AND c.recipient_third_party = d.vendor
LEFT JOIN unnest(%(notices)s::text[], %(notice_from)s::timestamptz[], %(notice_until)s::timestamptz[]) AS n (version, since, until)
    ON n.version = c.privacy_notice_version
WHERE d.disclosure_id = %(disclosure_id)s
ORDER BY c.given_at
