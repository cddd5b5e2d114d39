-- Files of the archive, and those whose lock lasts longer than a rule shorter by so many years would ask.
SELECT count(*) AS files, coalesce(sum(rows), 0)::bigint AS payments,
       count(*) FILTER (WHERE %(shorter_by)s > 0 AND locked_until > last_end - make_interval(years => %(shorter_by)s)) AS outlasting
FROM lifecycle.archive_lock
