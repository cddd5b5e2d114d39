SELECT file_id, state FROM lifecycle.archive_file WHERE object_key = %(object_key)s AND file_id <> %(file_id)s
