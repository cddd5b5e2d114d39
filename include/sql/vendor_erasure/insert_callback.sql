-- No row for one that was taken before.
INSERT INTO lifecycle.vendor_callback (erasure_id, body_sha256, said) VALUES (%(erasure_id)s, %(body_sha256)s, %(said)s)
ON CONFLICT DO NOTHING
