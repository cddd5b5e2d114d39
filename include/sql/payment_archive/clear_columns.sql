DELETE FROM lifecycle.archive_column WHERE file_id = %(file_id)s
