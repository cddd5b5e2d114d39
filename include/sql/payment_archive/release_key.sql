-- An earlier run put the same records under the same key and did not get further: the object passes to this run's file.
UPDATE lifecycle.archive_file SET object_key = NULL, version_id = NULL
WHERE object_key = %(object_key)s AND file_id <> %(file_id)s AND state = 'abandoned'
