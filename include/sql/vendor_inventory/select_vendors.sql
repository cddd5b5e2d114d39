SELECT vendor, registered, disclosures, people, objects, first_at, last_at
FROM lifecycle.inventory_vendor
WHERE run_id = %(run_id)s AND NOT canary
ORDER BY vendor COLLATE "C"
