INSERT INTO lifecycle.customer_key (customer_id) SELECT customer_id FROM studio.customers ON CONFLICT DO NOTHING
