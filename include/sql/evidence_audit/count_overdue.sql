-- Residue past its date that no audit found gone, whether or not it was looked for today.
SELECT latest.place, count(*) AS cases
FROM (SELECT DISTINCT ON (r.case_id, r.place) r.case_id, r.place, r.until_at, r.outcome
      FROM lifecycle.audit_residue r
      JOIN lifecycle.audit_case x ON x.run_id = r.run_id AND x.case_id = r.case_id
      JOIN lifecycle.erasure_case c ON c.case_id = r.case_id AND c.epoch = x.epoch AND c.state = 'absent'
      ORDER BY r.case_id, r.place, r.run_id DESC, r.round DESC) AS latest
WHERE latest.outcome <> 'cleared' AND latest.until_at <= %(as_of)s
GROUP BY latest.place ORDER BY latest.place
