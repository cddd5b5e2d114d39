SELECT e.file_number, count(*) AS rows
FROM examined e
WHERE e.payment_id IN (SELECT payment_id FROM studio.payments)
GROUP BY e.file_number
