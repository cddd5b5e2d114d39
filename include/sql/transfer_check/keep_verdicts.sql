-- In the order of the index on disclosures, which is then filled from left to right. Its uniqueness is what refuses a second first
-- verdict, and a second one in the place of the same.
INSERT INTO lifecycle.verdict (disclosure_id, situation_id, supersedes)
SELECT s.disclosure_id, j.situation_id, s.supersedes
FROM subject s JOIN lifecycle.situation j ON j.run_id = %(run_id)s AND j.key = s.key
WHERE NOT s.canary
ORDER BY s.disclosure_id
