-- The join keeps ids and digests of a file's records in memory: in pieces it would come back to every page of the table for each
-- of them. With more, the whole of the table's rows would fit too, and be kept instead.
SET LOCAL work_mem = '128MB'
