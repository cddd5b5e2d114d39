-- The cases of an audit with where the write-ahead log was when they were closed, and what earlier audits cleared of them.
SELECT a.case_id, a.closed_at, c.closed_lsn,
       (SELECT coalesce(array_agg(DISTINCT r.place), '{}')
        FROM lifecycle.audit_residue r
        JOIN lifecycle.run earlier ON earlier.run_id = r.run_id AND earlier.finished_at IS NOT NULL
        JOIN lifecycle.audit_case x ON x.run_id = r.run_id AND x.case_id = r.case_id AND x.epoch = a.epoch
        WHERE r.case_id = a.case_id AND r.run_id < a.run_id AND r.outcome = 'cleared') AS cleared
FROM lifecycle.audit_case a
JOIN lifecycle.erasure_case c USING (case_id)
WHERE a.run_id = %(run_id)s
ORDER BY a.case_id
