DELETE FROM lifecycle.archive_total WHERE file_id = %(file_id)s
