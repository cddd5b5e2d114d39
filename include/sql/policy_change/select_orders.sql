SELECT order_id, terminal_at, last_activity_at, erase_requested_at, created_at
FROM studio.orders WHERE order_id = ANY (%(order_ids)s)
