-- Cases whose claim a run holds, as it planned them: held when a legal hold keeps any of their entries.
SELECT c.case_id,
       CASE WHEN EXISTS (SELECT FROM lifecycle.item i
                         WHERE i.case_id = c.case_id AND i.run_id = c.run_id AND i.disposition = 'hold')
            THEN 'HELD' ELSE 'PLANNED' END AS state
FROM lifecycle.erasure_case c
WHERE c.run_id = %(run_id)s
ORDER BY c.case_id
