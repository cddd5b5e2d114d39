-- A comparison counts until a later one covers its whole time: a statement exported again for a longer span replaces it.
CREATE OR REPLACE VIEW lifecycle.provider_statement_latest AS
    SELECT s.provider, s.period_from, s.period_to, s.lines, s.matched, s.missing_here, s.missing_there, s.differing, s.other,
           s.compared_at
    FROM lifecycle.provider_statement s
    WHERE NOT EXISTS (SELECT FROM lifecycle.provider_statement l
                      WHERE l.provider = s.provider AND l.statement_id > s.statement_id
                        AND l.period_from <= s.period_from AND l.period_to >= s.period_to)
    ORDER BY s.provider, s.period_from, s.period_to;
COMMENT ON VIEW lifecycle.provider_statement_latest IS 'Comparisons of which no later one covers the whole time.';

-- What the daily run asserts about them. Without a statement nothing is compared, and the verdict says that in words.
CREATE VIEW lifecycle.statement_balance AS
    WITH given AS (
        SELECT count(*) AS statements, coalesce(sum(lines), 0)::bigint AS lines, coalesce(sum(matched), 0)::bigint AS matched,
               coalesce(sum(missing_here), 0)::bigint AS missing_here, coalesce(sum(missing_there), 0)::bigint AS missing_there,
               coalesce(sum(differing), 0)::bigint AS differing
        FROM lifecycle.provider_statement_latest
    ), months AS (
        SELECT count(*) AS months,
               count(*) FILTER (WHERE EXISTS (SELECT FROM lifecycle.provider_statement_latest s
                                              WHERE s.period_from < (b.month + interval '1 month') AT TIME ZONE 'UTC'
                                                AND s.period_to > b.month::timestamp AT TIME ZONE 'UTC')) AS months_given
        FROM (SELECT month FROM lifecycle.payment_books GROUP BY month HAVING sum(arrived_rows) > sum(expired_rows)) AS b
    )
    SELECT given.*, months.*,
           CASE WHEN missing_here > 0 OR missing_there > 0 OR differing > 0 THEN 'differs'
                WHEN months_given = 0 THEN 'not given'
                WHEN months_given < months THEN 'agrees where given'
                ELSE 'agrees' END AS verdict
    FROM given, months;
COMMENT ON VIEW lifecycle.statement_balance IS 'One row: how the providers'' statements compare with the records, and for how many of the months in the books one was given.';

GRANT SELECT ON lifecycle.statement_balance TO studio_auditor, evidence_writer, reviewer;
