-- The database's clock is the only one a plan trusts.
SELECT clock_timestamp() AS now
