-- Checkpoints of the period and the last one before it, and those asked for; none from the head on.
SELECT tree_size, note FROM lifecycle.log_checkpoint
WHERE tree_size < %(head)s
  AND (tree_size = ANY (%(asked)s::bigint[])
       OR tree_size >= coalesce((SELECT max(tree_size) FROM lifecycle.log_checkpoint WHERE published_at < %(since)s), 0))
ORDER BY tree_size
