SELECT file_id, by_file_id, sum(rows)::bigint AS rows FROM lifecycle.archive_superseded GROUP BY file_id, by_file_id
