SELECT tree_size, note FROM lifecycle.log_checkpoint ORDER BY tree_size
