-- Row by row triggers and foreign keys would multiply the time; what they would derive is written directly.
SET LOCAL session_replication_role = replica
