INSERT INTO lifecycle.log_checkpoint (tree_size, root, note, published_at, store_version_id)
VALUES (%(tree_size)s, %(root)s, %(note)s, %(published_at)s, %(version_id)s)
