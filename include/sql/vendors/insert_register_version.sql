INSERT INTO lifecycle.register_version (register_sha256, vendors) VALUES (%(sha256)s, %(vendors)s)
ON CONFLICT DO NOTHING
