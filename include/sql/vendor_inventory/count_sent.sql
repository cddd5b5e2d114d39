-- What a plan promises to count, and what it leaves: dated later than the moment judged at.
SELECT count(*) FILTER (WHERE sent_at <= %(as_of)s) AS disclosures, count(*) FILTER (WHERE sent_at > %(as_of)s) AS later,
       count(DISTINCT vendor) FILTER (WHERE sent_at <= %(as_of)s) AS vendors, max(sent_at) FILTER (WHERE sent_at <= %(as_of)s) AS last_at
FROM studio.disclosures
