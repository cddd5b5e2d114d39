-- Dated after the moment judged at: not judged now, and said so.
SELECT count(*) AS later, EXISTS (SELECT FROM studio.disclosures) AS any_at_all FROM studio.disclosures WHERE sent_at > %(as_of)s
