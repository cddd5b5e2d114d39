-- Records that were staged for a file that will not be made.
DELETE FROM lifecycle.payment_restated r USING lifecycle.archive_file f
WHERE f.file_id = r.file_id AND f.state = 'abandoned'
