-- One open incident for each vendor and rule: a further violation makes it larger. A disclosure judged again counts once.
INSERT INTO lifecycle.incident AS open (kind, vendor, rule, clause, first_at, last_at, disclosures, opened_run_id, last_run_id)
SELECT 'transfer_denied', s.vendor, r.rule, r.clause, min(s.sent_at), max(s.sent_at), count(*), %(run_id)s, %(run_id)s
FROM subject s
JOIN lifecycle.situation j ON j.run_id = %(run_id)s AND j.key = s.key
JOIN lifecycle.transfer_rule r ON r.rule = ANY (j.broken)
LEFT JOIN lifecycle.verdict before ON before.verdict_id = s.supersedes
LEFT JOIN lifecycle.situation was ON was.situation_id = before.situation_id
WHERE NOT s.canary AND NOT coalesce(r.rule = ANY (was.broken), false)
GROUP BY s.vendor, r.rule, r.clause
ON CONFLICT (kind, vendor, rule) WHERE closed_at IS NULL
DO UPDATE SET first_at = least(open.first_at, excluded.first_at), last_at = greatest(open.last_at, excluded.last_at),
              disclosures = open.disclosures + excluded.disclosures, last_run_id = excluded.last_run_id
RETURNING vendor, rule, disclosures, opened_run_id = last_run_id AS opened
