-- Outside timestamps on checkpoints of these sizes.
SELECT tree_size, token, stamped_at FROM lifecycle.log_timestamp
WHERE tree_size = ANY (%(sizes)s::bigint[])
ORDER BY tree_size
