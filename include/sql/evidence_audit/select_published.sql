SELECT tree_size, root, note, store_version_id FROM lifecycle.log_checkpoint WHERE tree_size >= %(first)s ORDER BY tree_size
