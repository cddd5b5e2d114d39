INSERT INTO lifecycle.reference_version (reference_sha256, entries) VALUES (%(sha256)s, %(entries)s)
ON CONFLICT DO NOTHING
