-- The inventory of the moment nearest before; of several of one moment the last.
SELECT i.run_id, r.as_of, i.register_sha256
FROM lifecycle.inventory i JOIN lifecycle.run r USING (run_id)
WHERE r.as_of <= %(as_of)s AND i.run_id <> %(run_id)s
ORDER BY r.as_of DESC, i.run_id DESC
LIMIT 1
