INSERT INTO lifecycle.inventory_document (run_id, name, sha256, content) VALUES (%(run_id)s, %(document)s, %(sha256)s, %(content)s)
