-- Families that are final for long enough, by the day they became final and the half month in which their promise ends. The
-- fingerprint tells as many other families, and these with other records, from these: against accidents only.
WITH due AS (
    SELECT f.charge_id, f.whole, f.records, f.final_at,
           greatest(lifecycle.kept_until(f.final_at, %(years)s, %(time_zone)s), l.ends_at) AS ends_at
    FROM studio.payment_family f
    LEFT JOIN lifecycle.payment_late l USING (charge_id)
    WHERE f.final_at <= %(final_before)s
      AND f.charge_id NOT IN (SELECT q.charge_id FROM lifecycle.payment_quarantine q WHERE q.cleared_at IS NULL)
      AND f.charge_id <> ALL (%(suspected)s::uuid[])
)
SELECT whole, date_trunc('day', final_at, 'UTC') AS day,
       date_trunc('month', ends_at, 'UTC') + CASE WHEN extract(day FROM ends_at AT TIME ZONE 'UTC') > 15 THEN interval '15 days'
                                                  ELSE interval '0' END AS window_start,
       count(*) AS families, sum(records)::bigint AS rows,
       bit_xor(hash_record_extended(ROW(charge_id, records, final_at), 0)) AS fingerprint
FROM due
WHERE ends_at > %(as_of)s
GROUP BY 1, 2, 3
