-- Nobody takes over while this transaction lasts.
SELECT run_id FROM lifecycle.archive_turn WHERE run_id = %(run_id)s FOR SHARE
