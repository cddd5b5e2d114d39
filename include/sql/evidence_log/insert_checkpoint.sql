INSERT INTO lifecycle.log_checkpoint (tree_size, root, note, store_version_id)
VALUES (%(tree_size)s, %(root)s, %(note)s, %(version_id)s)
ON CONFLICT (tree_size) DO NOTHING
