-- One judge at a time: two would each think that the first verdict of a disclosure is theirs.
SELECT pg_advisory_xact_lock(hashtext('transfer_check.judge')) IS NULL AS locked
