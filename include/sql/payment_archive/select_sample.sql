-- Some files of a plan, by their random names: those it would erase before those it would make.
SELECT file_id, erased, kind, rows, ends
FROM (SELECT f.file_id, true AS erased, f.kind, f.rows, f.last_end AS ends
      FROM lifecycle.archive_expiry x JOIN lifecycle.archive_file f USING (file_id)
      WHERE x.run_id = %(run_id)s
      UNION ALL
      SELECT file_id, false, kind, rows, window_end FROM lifecycle.archive_file WHERE run_id = %(run_id)s) AS planned
ORDER BY erased DESC, file_id
LIMIT %(files)s
