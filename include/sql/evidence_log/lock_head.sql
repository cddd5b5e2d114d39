SELECT tree_size, root FROM lifecycle.log_head FOR UPDATE
