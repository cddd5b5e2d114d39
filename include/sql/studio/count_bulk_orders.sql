SELECT count(*) AS orders FROM studio.orders WHERE order_id >= 'bulk_' AND order_id < 'bulk`'
