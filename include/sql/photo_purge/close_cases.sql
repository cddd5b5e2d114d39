UPDATE lifecycle.erasure_case c
SET state = 'absent', closed_at = clock_timestamp(), commitments_root = d.root, closed_lsn = pg_current_wal_lsn()
FROM unnest(%(case_ids)s::uuid[], %(roots)s::bytea[]) AS d (case_id, root)
WHERE c.case_id = d.case_id AND c.run_id = %(run_id)s AND c.state = 'open'
RETURNING c.case_id, c.deadline_at, c.closed_at
