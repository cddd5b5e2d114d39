-- Files of an order that are still there.
SELECT u.upload_id FROM studio.order_uploads l JOIN studio.uploads u USING (upload_id)
WHERE l.order_id = %(order_id)s AND u.absent_at IS NULL
