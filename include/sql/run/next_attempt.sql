SELECT coalesce(max(attempt), 0) + 1 AS attempt
FROM lifecycle.run
WHERE pipeline = %(pipeline)s AND dag_run_id = %(dag_run_id)s
