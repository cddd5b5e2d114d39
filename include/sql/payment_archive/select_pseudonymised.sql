SELECT case_id, hot_rows, names, keys, kept_until FROM lifecycle.payment_pseudonymised WHERE run_id = %(run_id)s ORDER BY case_id
