SELECT vendor, sum(disclosures)::bigint AS disclosures, coalesce(sum(disclosures) FILTER (WHERE NOT allowed), 0)::bigint AS denied
FROM lifecycle.situation
WHERE run_id = %(run_id)s
GROUP BY vendor
ORDER BY vendor
