-- Records that several files have: by file, how many it shares with the next one that has them (itself, if it has them twice).
SELECT earlier, later, count(*) AS rows
FROM (SELECT lag(e.file_number) OVER (PARTITION BY e.payment_id ORDER BY e.file_number) AS earlier, e.file_number AS later
      FROM examined e
      JOIN (SELECT payment_id FROM examined GROUP BY payment_id HAVING count(*) > 1) AS d USING (payment_id)) AS pairs
WHERE earlier IS NOT NULL
GROUP BY earlier, later
