-- By id alone, in every month: whatever is still there under a name that the file has.
SELECT count(*) AS rows FROM studio.payments WHERE payment_id IN (SELECT payment_id FROM archived)
