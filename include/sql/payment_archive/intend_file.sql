-- What is about to be put, before it is: whoever finds the object knows whose it is.
UPDATE lifecycle.archive_file
SET state = 'intended', object_key = %(object_key)s, rows = %(rows)s, families = %(families)s, bytes = %(bytes)s,
    sha256 = %(sha256)s, content_digest = %(content_digest)s, first_end = %(first_end)s, last_end = %(last_end)s,
    min_order_id = %(min_order_id)s, max_order_id = %(max_order_id)s, min_occurred_at = %(min_occurred_at)s,
    max_occurred_at = %(max_occurred_at)s
WHERE file_id = %(file_id)s AND state IN ('planned', 'intended')
