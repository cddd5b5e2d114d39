-- What this pipeline usually archives and erases: the medians of its last verified runs.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY archived)::bigint AS archived,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY erased)::bigint AS erased, count(*) AS runs
FROM (SELECT (facts ->> 'rows')::bigint AS archived,
             (facts ->> 'expiring_rows')::bigint + (facts ->> 'ended_hot_rows')::bigint AS erased
      FROM lifecycle.run
      WHERE pipeline = %(pipeline)s AND state = 'verified' AND NOT dry_run
      ORDER BY run_id DESC
      LIMIT 14) AS recent
