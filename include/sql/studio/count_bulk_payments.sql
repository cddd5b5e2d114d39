SELECT coalesce(max(substr(order_id, 6)::bigint) + 1, 0) * 2 AS rows FROM studio.orders WHERE order_id ~ '^paid_[0-9]{9}$'
