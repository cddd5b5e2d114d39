-- The log's tables refuse every change but growth, and so they should: only until the end of this transaction.
SET LOCAL session_replication_role = replica
