-- Rising ids: a random one would spend most of the time on index pages.
INSERT INTO studio.uploads (upload_id, category, role, bucket, object_key, sha256, bytes, media_type, uploaded_at, absent_at)
SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(right(o.order_id, 9)::bigint * 1000 + u), 12, '0'))::uuid,
       'personal_photo', CASE u %% 2 WHEN 1 THEN 'front' ELSE 'side' END,
       %(bucket)s, 'orders/' || o.order_id || '/photo-' || u || '.jpg', decode(repeat(md5(o.order_id), 2), 'hex'), 200000 + u, 'image/jpeg',
       o.created_at, CASE o.photo_state WHEN 'absent' THEN o.terminal_at + interval '6 days' END
FROM studio.orders o CROSS JOIN generate_series(1, %(uploads_per_order)s) AS u
WHERE o.order_id BETWEEN 'bulk_' || lpad(%(first)s::text, 9, '0') AND 'bulk_' || lpad((%(first)s + %(orders)s - 1)::text, 9, '0')
