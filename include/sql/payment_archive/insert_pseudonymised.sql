INSERT INTO lifecycle.payment_pseudonymised (customer_id, run_id, hot_rows, names, keys, kept_until)
VALUES (%(customer_id)s, %(run_id)s, %(hot_rows)s, %(names)s, %(keys)s, %(kept_until)s)
RETURNING case_id
