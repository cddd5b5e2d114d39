UPDATE lifecycle.log_head SET tree_size = %(tree_size)s, root = %(root)s, changed_at = clock_timestamp()
