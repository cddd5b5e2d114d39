-- Cases of which the log says that they are absent, and of what.
UPDATE lifecycle.erasure_case c
SET state = 'absent', epoch = c.epoch + 1, closed_at = d.closed_at, commitments_root = d.root, closed_lsn = pg_current_wal_lsn()
FROM unnest(%(case_ids)s::uuid[], %(roots)s::bytea[], %(moments)s::timestamptz[]) AS d (case_id, root, closed_at)
WHERE c.case_id = d.case_id AND (c.state = 'open' OR c.commitments_root IS DISTINCT FROM d.root)
RETURNING c.case_id
