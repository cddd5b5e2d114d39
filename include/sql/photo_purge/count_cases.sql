SELECT count(*) AS cases,
       count(*) FILTER (WHERE state = 'absent') AS absent,
       count(*) FILTER (WHERE state = 'open') AS open,
       count(*) FILTER (WHERE deadline_at <= clock_timestamp() AND state = 'open') AS overdue_open,
       count(*) FILTER (WHERE closed_at > deadline_at) AS absent_late
FROM lifecycle.erasure_case
WHERE run_id = %(run_id)s
