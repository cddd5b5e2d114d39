SELECT count(*) AS orders FROM studio.orders
