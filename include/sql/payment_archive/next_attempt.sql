SELECT coalesce(max(attempt), 0) + 1 AS attempt FROM lifecycle.run
WHERE pipeline = 'payment_archive' AND dag_run_id = %(dag_run_id)s
