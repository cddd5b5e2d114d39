DELETE FROM lifecycle.log_leaf WHERE log_index >= %(first)s
