SELECT h.tree_size, h.root, clock_timestamp() AS now,
       (SELECT coalesce(max(c.tree_size), 0) FROM lifecycle.log_checkpoint c) AS published
FROM lifecycle.log_head h
