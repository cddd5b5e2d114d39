-- One open incident for each vendor and rule: a further violation makes it larger. A disclosure judged again counts once.
INSERT INTO lifecycle.incident AS open (kind, vendor, rule, clause, first_at, last_at, disclosures, opened_run_id, last_run_id)
WITH fresh AS (
    SELECT s.key, min(s.sent_at) AS first_at, max(s.sent_at) AS last_at, count(*) AS disclosures, '{}'::text[] AS known
    FROM subject s
    WHERE NOT s.canary AND s.supersedes IS NULL
    GROUP BY s.key
), again AS (
    SELECT s.key, min(s.sent_at) AS first_at, max(s.sent_at) AS last_at, count(*) AS disclosures, was.broken AS known
    FROM subject s
    JOIN lifecycle.verdict before ON before.verdict_id = s.supersedes
    JOIN lifecycle.situation was ON was.situation_id = before.situation_id
    WHERE NOT s.canary AND s.supersedes IS NOT NULL
    GROUP BY s.key, was.broken
)
SELECT 'transfer_denied', j.vendor, r.rule, r.clause, min(f.first_at), max(f.last_at), sum(f.disclosures), %(run_id)s, %(run_id)s
FROM (TABLE fresh UNION ALL TABLE again) AS f
JOIN lifecycle.situation j ON j.run_id = %(run_id)s AND j.key = f.key
JOIN lifecycle.transfer_rule r ON r.rule = ANY (j.broken) AND NOT r.rule = ANY (f.known)
GROUP BY j.vendor, r.rule, r.clause
ON CONFLICT (kind, vendor, rule) WHERE closed_at IS NULL
DO UPDATE SET first_at = least(open.first_at, excluded.first_at), last_at = greatest(open.last_at, excluded.last_at),
              disclosures = open.disclosures + excluded.disclosures, last_run_id = excluded.last_run_id
RETURNING vendor, rule, disclosures, opened_run_id = last_run_id AS opened
