-- Some cases of a plan, by their random names.
SELECT c.case_id, c.reason, c.deadline_at, count(i.item_id) AS entries, coalesce(sum(i.bytes), 0)::bigint AS bytes
FROM (SELECT case_id, reason, deadline_at FROM lifecycle.erasure_case WHERE run_id = %(run_id)s
      ORDER BY case_id LIMIT %(cases)s) AS c
LEFT JOIN lifecycle.item i ON i.case_id = c.case_id AND i.run_id = %(run_id)s AND i.disposition = 'erase'
GROUP BY c.case_id, c.reason, c.deadline_at
ORDER BY c.case_id
