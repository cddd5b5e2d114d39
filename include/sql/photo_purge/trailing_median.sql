-- What this pipeline usually erases: the median of its last verified runs that had anything to do.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY recent.items)::bigint AS median, count(*) AS runs
FROM (SELECT (facts ->> 'erase_items')::bigint AS items
      FROM lifecycle.run
      WHERE pipeline = %(pipeline)s AND state = 'verified' AND NOT dry_run
        AND (facts ->> 'erase_items')::bigint > 0
      ORDER BY run_id DESC
      LIMIT 14) AS recent
