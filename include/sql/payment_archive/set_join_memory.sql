-- The join keeps a file's records in memory: in pieces it would come back to every page of the table for each of them.
SET LOCAL work_mem = '256MB'
