SELECT d.kind, k.clause, k.means, d.vendor, d.subject, d.contract, d.forbidden, d.disclosures, d.people, d.since, d.last_at
FROM lifecycle.inventory_drift d JOIN lifecycle.drift_kind k USING (kind)
WHERE d.run_id = %(run_id)s AND NOT d.canary
ORDER BY d.vendor COLLATE "C", d.kind COLLATE "C", d.subject COLLATE "C", d.contract COLLATE "C"
