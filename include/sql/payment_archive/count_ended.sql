-- Families that are still hot although their promise has ended, and those of them that a hold keeps. The fingerprint is as
-- in select_due.
SELECT count(*) FILTER (WHERE NOT held) AS families, coalesce(sum(records) FILTER (WHERE NOT held), 0)::bigint AS rows,
       count(*) FILTER (WHERE held) AS held_families,
       coalesce(bit_xor(hash_record_extended(ROW(charge_id, records, final_at), 0)) FILTER (WHERE NOT held), 0) AS fingerprint
FROM (SELECT f.charge_id, f.records, f.final_at, f.order_id IN (SELECT h.order_id FROM studio.effective_order_hold h) AS held
      FROM studio.payment_family f
      LEFT JOIN lifecycle.payment_late l USING (charge_id)
      WHERE f.final_at IS NOT NULL
        AND greatest(lifecycle.kept_until(f.final_at, %(years)s, %(time_zone)s), l.ends_at) <= %(as_of)s) AS ended
