SELECT tree_size, root, note, store_version_id FROM lifecycle.log_checkpoint ORDER BY tree_size DESC LIMIT 1
