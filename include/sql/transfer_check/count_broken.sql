-- How often each rule was broken, per rule and per vendor; one disclosure may break many.
SELECT r.rule, r.violation, coalesce(sum(s.disclosures), 0)::bigint AS disclosures
FROM lifecycle.transfer_rule r
LEFT JOIN lifecycle.situation s ON s.run_id = %(run_id)s AND r.rule = ANY (s.broken)
GROUP BY r.rule, r.violation
ORDER BY r.rule
