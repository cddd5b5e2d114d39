SELECT vendor, data_category, country, purposes, disclosures, people, objects, first_at, last_at
FROM lifecycle.inventory_line
WHERE run_id = %(run_id)s AND NOT canary
ORDER BY vendor COLLATE "C", data_category COLLATE "C", country COLLATE "C"
