-- The database's clock is the only one that dates statements.
SELECT clock_timestamp() AS now
