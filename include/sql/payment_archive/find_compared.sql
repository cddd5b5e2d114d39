-- A horizon counts where it was written: transactions of another server, from whose backup the row came, are others.
SELECT rows, CASE WHEN xmin = written::xid THEN horizon::text END AS horizon
FROM lifecycle.archive_compared
WHERE file_id = %(file_id)s AND version_id = %(version_id)s AND run_id = %(run_id)s
ORDER BY compared_at DESC LIMIT 1
