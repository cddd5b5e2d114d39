-- Nodes of the tree by level and position; level 0 are the leaves.
SELECT w.level, w.position, coalesce(n.hash, l.leaf_hash) AS hash
FROM unnest(%(levels)s::smallint[], %(positions)s::bigint[]) AS w (level, position)
LEFT JOIN lifecycle.log_node n ON n.level = w.level AND n.position = w.position
LEFT JOIN lifecycle.log_leaf l ON w.level = 0 AND l.log_index = w.position
WHERE coalesce(n.hash, l.leaf_hash) IS NOT NULL
