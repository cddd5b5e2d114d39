-- What an earlier run did not bring to its end. An object that it may have put is locked: the row keeps track of it.
UPDATE lifecycle.archive_file SET state = 'abandoned'
WHERE state IN ('planned', 'intended', 'stored') AND run_id < %(run_id)s
