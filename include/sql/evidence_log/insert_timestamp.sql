-- The first token of a checkpoint stays.
INSERT INTO lifecycle.log_timestamp (tree_size, token, stamped_at, store_version_id)
VALUES (%(tree_size)s, %(token)s, %(stamped_at)s, %(version_id)s)
ON CONFLICT (tree_size) DO NOTHING
