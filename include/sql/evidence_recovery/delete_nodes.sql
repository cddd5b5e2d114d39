DELETE FROM lifecycle.log_node
