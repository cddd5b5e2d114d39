INSERT INTO lifecycle.vendor_erasure_item (erasure_id, disclosure_id)
SELECT * FROM unnest(%(erasure_ids)s::uuid[], %(disclosure_ids)s::uuid[])
