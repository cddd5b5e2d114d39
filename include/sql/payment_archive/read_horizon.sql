-- Every transaction that is older has ended, its subtransactions included; what it wrote is seen by whoever looks from now on.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon
