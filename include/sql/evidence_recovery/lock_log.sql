LOCK TABLE lifecycle.evidence, lifecycle.log_leaf, lifecycle.log_node, lifecycle.log_checkpoint IN SHARE ROW EXCLUSIVE MODE
