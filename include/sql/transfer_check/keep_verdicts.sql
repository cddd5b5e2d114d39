-- What was judged meanwhile by another run keeps that run's verdict: judges take turns, and unique indexes refuse the rest.
INSERT INTO lifecycle.verdict (disclosure_id, situation_id, supersedes)
SELECT s.disclosure_id, j.situation_id, s.supersedes
FROM subject s JOIN lifecycle.situation j ON j.run_id = %(run_id)s AND j.key = s.key
WHERE NOT s.canary
  AND NOT EXISTS (SELECT FROM lifecycle.verdict v
                  WHERE v.disclosure_id = s.disclosure_id AND v.supersedes IS NULL AND s.supersedes IS NULL)
  AND NOT EXISTS (SELECT FROM lifecycle.verdict v WHERE v.supersedes = s.supersedes)
