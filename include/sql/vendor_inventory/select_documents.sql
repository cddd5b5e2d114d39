SELECT d.name, d.sha256, length(d.content) AS bytes, d.content, s.object_name, s.locked_until
FROM lifecycle.inventory_document d LEFT JOIN lifecycle.inventory_stored s USING (run_id, name)
WHERE d.run_id = %(run_id)s
ORDER BY d.name COLLATE "C"
