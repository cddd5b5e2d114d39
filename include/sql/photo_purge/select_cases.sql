SELECT case_id, order_id FROM lifecycle.erasure_case WHERE run_id = %(run_id)s
