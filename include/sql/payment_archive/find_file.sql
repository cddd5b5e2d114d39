SELECT file_id, object_key, version_id, sha256 FROM lifecycle.archive_file WHERE file_id = %(file_id)s
