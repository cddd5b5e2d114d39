-- Every kind, the ones not found with zero.
SELECT k.kind, k.means, count(d.kind) AS found, coalesce(sum(d.disclosures), 0)::bigint AS disclosures
FROM lifecycle.drift_kind k
LEFT JOIN lifecycle.inventory_drift d ON d.kind = k.kind AND d.run_id = %(run_id)s AND NOT d.canary
GROUP BY k.kind, k.means
ORDER BY k.kind
