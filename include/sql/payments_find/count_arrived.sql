-- What ever arrived and is not expired, of whole months, by currency and kind: what an export of them must come to.
SELECT currency, kind, sum(arrived_rows - expired_rows)::bigint AS rows, sum(arrived_amount - expired_amount) AS amount
FROM lifecycle.payment_books
WHERE month >= %(first)s AND month < %(after)s
GROUP BY currency, kind
HAVING sum(arrived_rows - expired_rows) <> 0
ORDER BY currency, kind
