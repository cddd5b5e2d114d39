-- What is kept of a person and until when at the latest: hot families by their own clock, archived ones by the files that
-- may hold them. Null where one is not final yet.
WITH own AS (
    SELECT order_id FROM studio.orders WHERE customer_id = %(customer_id)s
), hot AS (
    SELECT count(*) AS families, coalesce(sum(records), 0)::bigint AS rows, bool_or(final_at IS NULL) AS open,
           max(lifecycle.kept_until(final_at, %(years)s, %(time_zone)s)) AS until
    FROM studio.payment_family WHERE order_id IN (SELECT order_id FROM own)
), filed AS (
    SELECT max(f.last_end) AS until
    FROM lifecycle.archive_file f
    WHERE f.state IN ('current', 'expiring')
      AND EXISTS (SELECT FROM lifecycle.customer_key k WHERE k.customer_id = %(customer_id)s)
      AND EXISTS (SELECT FROM own WHERE own.order_id COLLATE "C" BETWEEN f.min_order_id AND f.max_order_id)
)
SELECT hot.rows, CASE WHEN hot.open THEN NULL ELSE greatest(hot.until, filed.until) END AS kept_until FROM hot, filed
