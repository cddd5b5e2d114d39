INSERT INTO lifecycle.vendor_confirmation (erasure_id, said, noted_by, note)
VALUES (%(erasure_id)s, %(said)s, %(noted_by)s, %(note)s)
