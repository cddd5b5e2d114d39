INSERT INTO lifecycle.inventory_stored (run_id, name, object_name, version_id, locked_until)
VALUES (%(run_id)s, %(document)s, %(object_name)s, %(version_id)s, %(locked_until)s)
ON CONFLICT DO NOTHING
