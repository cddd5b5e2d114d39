SELECT case_id, salt FROM lifecycle.open_case_salts(%(case_ids)s::uuid[])
