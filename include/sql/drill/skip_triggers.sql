-- What is removed and restored has happened already: nothing is derived from it, and keys are whole again afterwards.
SET LOCAL session_replication_role = replica
