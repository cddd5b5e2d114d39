COPY studio.customers (customer_id, display_name, email, country, time_zone, is_minor, created_at) FROM STDIN
