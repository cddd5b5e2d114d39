SELECT count(*) AS requests FROM studio.orders WHERE order_id = ANY (%(order_ids)s) AND erase_requested_at IS NOT NULL
