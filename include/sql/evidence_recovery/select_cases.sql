SELECT case_id, epoch, state FROM lifecycle.erasure_case WHERE case_id = ANY (%(case_ids)s::uuid[])
