DELETE FROM lifecycle.customer_key WHERE customer_id = %(customer_id)s
