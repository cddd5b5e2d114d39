SELECT case_id, reopened FROM lifecycle.make_due_again(%(run_id)s)
