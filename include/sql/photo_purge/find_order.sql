SELECT order_id, terminal_at, last_activity_at, erase_requested_at, created_at, photo_state
FROM studio.orders WHERE order_id = %(order_id)s
