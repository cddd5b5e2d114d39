-- Counted from the manifest, not from the observations that are to be compared with it.
SELECT count(*) AS erase_items
FROM lifecycle.item
WHERE run_id = %(run_id)s AND disposition = 'erase' AND state <> 'stopped'
