-- Compare and swap: whoever saw an older head changes nothing.
UPDATE lifecycle.log_head SET tree_size = %(tree_size)s, root = %(root)s, changed_at = clock_timestamp()
WHERE tree_size = %(seen_size)s AND root = %(seen_root)s
