-- The inventory of the latest moment that was exported.
SELECT i.run_id, r.as_of, r.state, i.register_sha256
FROM lifecycle.inventory i JOIN lifecycle.run r USING (run_id)
WHERE EXISTS (SELECT FROM lifecycle.inventory_document d WHERE d.run_id = i.run_id)
ORDER BY r.as_of DESC, i.run_id DESC
LIMIT 1
