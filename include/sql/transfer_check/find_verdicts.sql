-- Every verdict of one disclosure, latest first.
SELECT v.verdict_id, v.supersedes, s.run_id, s.register_sha256, s.reference_sha256, s.vendor, s.data_category, s.purpose,
       s.origin_country, s.destination_country, s.allowed, s.broken, s.cross_border, s.rules, s.judged_at, s.since, d.sent_at
FROM lifecycle.verdict v
JOIN lifecycle.situation s USING (situation_id)
JOIN studio.disclosures d USING (disclosure_id)
WHERE v.disclosure_id = %(disclosure_id)s
ORDER BY v.verdict_id DESC
