-- Recorded files of which this run let go: what the purge can take up now.
SELECT count(DISTINCT coalesce(upload_id::text, object_key)) AS files FROM lifecycle.hold_item
WHERE run_id = %(run_id)s AND want = 'off' AND state = 'accepted'
