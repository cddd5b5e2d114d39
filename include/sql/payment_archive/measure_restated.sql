-- Families that a file restates, archived and later records together, and when their promises end; null: not final.
SELECT charge_id, count(*) AS records,
       CASE WHEN bool_and(settled_at IS NOT NULL)
            THEN lifecycle.kept_until(max(greatest(occurred_at, settled_at)), %(years)s, %(time_zone)s) END AS ends_at
FROM (SELECT charge_id, occurred_at, settled_at FROM lifecycle.payment_restated WHERE file_id = %(file_id)s
      UNION ALL
      SELECT p.charge_id, p.occurred_at, p.settled_at FROM studio.payments p
      WHERE %(with_hot)s AND p.charge_id IN (SELECT charge_id FROM lifecycle.payment_restated WHERE file_id = %(file_id)s)) AS r
GROUP BY charge_id
