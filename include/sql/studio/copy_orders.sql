-- How orders ended is not copied: triggers derive it from the events.
COPY studio.orders (order_id, customer_id, service, description, created_at, last_activity_at, erase_requested_at) FROM STDIN
