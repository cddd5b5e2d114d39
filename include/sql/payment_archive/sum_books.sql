SELECT currency, sum(arrived_rows)::bigint AS arrived_records, sum(arrived_amount) AS arrived, sum(hot_amount) AS hot,
       sum(archived_amount) AS archived, sum(expired_amount) AS expired
FROM lifecycle.payment_books GROUP BY currency ORDER BY currency
