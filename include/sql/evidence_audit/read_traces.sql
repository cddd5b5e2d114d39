-- What can be seen of where bytes remain: the oldest page of the write-ahead log, when each table was last vacuumed, and the
-- register of backups. An empty register shows nothing: a backup made since must be in it.
SELECT lifecycle.oldest_wal() AS oldest_wal, clock_timestamp() AS now,
       (SELECT CASE WHEN count(*) = 3 AND bool_and(greatest(last_vacuum, last_autovacuum) IS NOT NULL)
                    THEN min(greatest(last_vacuum, last_autovacuum)) END
        FROM pg_stat_all_tables
        WHERE (schemaname, relname) IN (('studio', 'orders'), ('studio', 'uploads'), ('lifecycle', 'item'))) AS vacuumed_at,
       (SELECT min(made_at) FROM studio.database_backups WHERE removed_at IS NULL) AS oldest_backup,
       (SELECT max(made_at) FROM studio.database_backups) AS latest_backup
