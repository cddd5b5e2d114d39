-- One after the other states what was said, to the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('lifecycle.posture', 0)) IS NULL AS held
