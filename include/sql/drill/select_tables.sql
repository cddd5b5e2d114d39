-- Tables of a schema that hold rows themselves: a partitioned table's rows are in its partitions.
SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind = 'r' ORDER BY 1
