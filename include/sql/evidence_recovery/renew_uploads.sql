-- Files of orders that are due again count as there until somebody has seen again that they are not.
UPDATE studio.uploads u SET absent_at = NULL
FROM studio.order_uploads l
WHERE l.upload_id = u.upload_id AND l.order_id = ANY (%(order_ids)s) AND u.absent_at IS NOT NULL
