-- What the archive takes of a payment: everything but the name; a keyed reference instead of the customer. Whoever reads
-- this view needs neither the keys nor the customers.
CREATE VIEW studio.payment_record AS
    SELECT p.payment_id, p.charge_id, p.order_id, p.kind, p.provider, p.provider_ref, p.amount, p.fee, p.currency,
           p.occurred_at, p.settled_at, p.payer_country,
           left(encode(sha256(k.key || uuid_send(k.customer_id)), 'hex'), 32) AS customer_ref,
           p.provider_payload::text AS provider_payload
    FROM studio.payments p
    LEFT JOIN studio.orders o USING (order_id)
    LEFT JOIN lifecycle.customer_key k USING (customer_id);
COMMENT ON VIEW studio.payment_record IS 'Hot payments as they are archived: without the payer''s name, with a keyed reference for the customer.';

-- A charge with its refunds and disputes: final when the last of them is settled, and not before.
CREATE VIEW studio.payment_family AS
    SELECT p.charge_id, min(p.order_id) AS order_id, count(*) AS records, bool_or(p.kind = 'charge') AS whole,
           bool_or(p.provider_payload IS NOT NULL) AS has_payload,
           CASE WHEN bool_and(p.settled_at IS NOT NULL) THEN max(greatest(p.occurred_at, p.settled_at)) END AS final_at
    FROM studio.payments p
    GROUP BY p.charge_id;
COMMENT ON VIEW studio.payment_family IS 'Hot payments by charge: whether the charge itself is there, and since when all is final (null: it is not).';

CREATE VIEW lifecycle.payment_books AS
    WITH line AS (
        SELECT month, currency, kind, rows AS arrived_rows, amount AS arrived_amount,
               0::bigint AS hot_rows, 0::numeric AS hot_amount, 0::bigint AS archived_rows, 0::numeric AS archived_amount,
               0::bigint AS expired_rows, 0::numeric AS expired_amount
        FROM lifecycle.payment_arrival
        UNION ALL
        SELECT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date, currency, kind, 0, 0, count(*), sum(amount), 0, 0, 0, 0
        FROM studio.payments GROUP BY 1, 2, 3
        UNION ALL
        SELECT t.month, t.currency, t.kind, 0, 0, 0, 0,
               CASE WHEN f.state = 'absent' THEN 0 ELSE t.rows END, CASE WHEN f.state = 'absent' THEN 0 ELSE t.amount END,
               CASE WHEN f.state = 'absent' THEN t.rows ELSE 0 END, CASE WHEN f.state = 'absent' THEN t.amount ELSE 0 END
        FROM lifecycle.archive_file f JOIN lifecycle.archive_total t USING (file_id)
        WHERE f.current_at IS NOT NULL
        UNION ALL
        SELECT s.month, s.currency, s.kind, 0, 0, 0, 0,
               CASE WHEN f.state = 'absent' THEN 0 ELSE -s.rows END, CASE WHEN f.state = 'absent' THEN 0 ELSE -s.amount END,
               CASE WHEN f.state = 'absent' THEN -s.rows ELSE 0 END, CASE WHEN f.state = 'absent' THEN -s.amount ELSE 0 END
        FROM lifecycle.archive_superseded s JOIN lifecycle.archive_file f USING (file_id)
        UNION ALL
        SELECT month, currency, kind, 0, 0, 0, 0, 0, 0, rows, amount FROM lifecycle.payment_expired
    )
    SELECT month, currency, kind,
           sum(arrived_rows)::bigint AS arrived_rows, sum(arrived_amount) AS arrived_amount,
           sum(hot_rows)::bigint AS hot_rows, sum(hot_amount) AS hot_amount,
           sum(archived_rows)::bigint AS archived_rows, sum(archived_amount) AS archived_amount,
           sum(expired_rows)::bigint AS expired_rows, sum(expired_amount) AS expired_amount,
           (sum(arrived_rows) - sum(hot_rows) - sum(archived_rows) - sum(expired_rows))::bigint AS missing_rows,
           sum(arrived_amount) - sum(hot_amount) - sum(archived_amount) - sum(expired_amount) AS missing_amount
    FROM line
    GROUP BY month, currency, kind;
COMMENT ON VIEW lifecycle.payment_books IS 'By month of payment, currency and kind: what ever arrived is hot, archived or expired; what is missing must be zero.';

CREATE VIEW lifecycle.archive_seen AS
    SELECT * FROM lifecycle.archive_sight
    WHERE run_id = current_setting('lifecycle.run_id')::bigint
      AND round = (SELECT max(round) FROM lifecycle.archive_sight WHERE run_id = current_setting('lifecycle.run_id')::bigint);
COMMENT ON VIEW lifecycle.archive_seen IS 'Latest look into the vault of the session''s run.';

CREATE VIEW lifecycle.archive_balance AS
    WITH this AS (
        SELECT run_id, as_of, facts FROM lifecycle.run WHERE run_id = current_setting('lifecycle.run_id')::bigint
    ), files AS (
        SELECT count(*) AS planned,
               count(*) FILTER (WHERE current_at IS NOT NULL) AS archived,
               coalesce(sum(rows) FILTER (WHERE current_at IS NOT NULL), 0)::bigint AS archived_rows,
               count(*) FILTER (WHERE state = 'abandoned' AND object_key IS NULL) AS dissolved,
               count(*) FILTER (WHERE state IN ('planned', 'intended', 'stored')
                                   OR (state = 'abandoned' AND object_key IS NOT NULL)) AS failed
        FROM lifecycle.archive_file WHERE run_id = (SELECT run_id FROM this)
    ), every AS (
        SELECT count(*) FILTER (WHERE state IN ('current', 'expiring')) AS files,
               count(*) FILTER (WHERE state = 'expiring') AS expiring,
               count(*) FILTER (WHERE state = 'abandoned' AND version_id IS NOT NULL) AS abandoned,
               count(*) FILTER (WHERE state IN ('current', 'abandoned') AND kind <> 'held'
                                  AND first_end + (SELECT (facts ->> 'erase_within_seconds')::bigint FROM this) * interval '1 second'
                                      <= clock_timestamp()) AS overdue
        FROM lifecycle.archive_file
    ), seen AS (
        SELECT count(*) FILTER (WHERE expected = 'present' AND outcome = 'present') AS seen,
               count(*) FILTER (WHERE expected = 'present' AND outcome = 'absent') AS lost,
               count(*) FILTER (WHERE outcome = 'unknown') AS unknown,
               count(*) FILTER (WHERE expected = 'absent' AND outcome = 'present') AS survivors,
               count(*) FILTER (WHERE expected = 'absent' AND outcome = 'absent') AS absent,
               count(*) FILTER (WHERE expected = 'stranger') AS strangers,
               count(*) FILTER (WHERE lock_short) AS short_locks,
               count(*) FILTER (WHERE expected = 'canary') AS canaries,
               count(*) FILTER (WHERE expected = 'canary' AND outcome <> 'present') AS canaries_missing
        FROM lifecycle.archive_seen
    ), books AS (
        SELECT coalesce(sum(arrived_rows), 0)::bigint AS arrived_rows, coalesce(sum(hot_rows), 0)::bigint AS hot_rows,
               coalesce(sum(archived_rows), 0)::bigint AS all_archived_rows,
               coalesce(sum(expired_rows), 0)::bigint AS expired_rows,
               count(*) FILTER (WHERE missing_rows <> 0 OR missing_amount <> 0) AS unbalanced
        FROM lifecycle.payment_books
    ), hot AS (
        SELECT (SELECT count(*) FROM (SELECT FROM studio.payments GROUP BY payment_id HAVING count(*) > 1) AS d)
               + (SELECT count(*) FROM (SELECT FROM studio.payments GROUP BY provider, provider_ref HAVING count(*) > 1) AS d)
                   AS duplicates,
               (SELECT count(*) FROM (SELECT FROM studio.payments GROUP BY charge_id HAVING count(DISTINCT order_id) > 1) AS d)
                   AS mixed_families
    ), months AS (
        SELECT count(*) FILTER (WHERE NOT attached) AS detached_months, coalesce(sum(stray_rows), 0)::bigint AS stray_rows
        FROM studio.payment_months()
    )
    SELECT files.*, every.files, every.expiring, every.abandoned, every.overdue, seen.*, books.*, hot.*, months.*,
           (SELECT count(*) FROM lifecycle.payment_orphan o WHERE o.run_id = this.run_id) AS orphans,
           (SELECT count(DISTINCT q.charge_id) FROM lifecycle.payment_quarantine q WHERE q.cleared_at IS NULL) AS quarantined,
           (SELECT coalesce(sum(e.rows), 0)::bigint FROM lifecycle.payment_expired e WHERE e.run_id = this.run_id) AS erased_hot_rows,
           (SELECT count(*) FROM lifecycle.payment_pseudonymised p WHERE p.run_id = this.run_id) AS pseudonymised
    FROM this, files, every, seen, books, hot, months;
COMMENT ON VIEW lifecycle.archive_balance IS 'One row: the archive''s books at the session''s run.';
