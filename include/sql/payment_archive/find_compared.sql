SELECT rows FROM lifecycle.archive_compared
WHERE file_id = %(file_id)s AND version_id = %(version_id)s AND run_id = %(run_id)s
ORDER BY compared_at DESC LIMIT 1
