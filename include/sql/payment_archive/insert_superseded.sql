INSERT INTO lifecycle.archive_superseded (file_id, by_file_id, month, currency, kind, rows, amount)
SELECT from_file_id, file_id, date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date, currency, kind, count(*), sum(amount)
FROM lifecycle.payment_restated WHERE file_id = %(file_id)s
GROUP BY 1, 2, 3, 4, 5
