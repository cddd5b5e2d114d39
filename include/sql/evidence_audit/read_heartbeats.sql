-- Days since the first statement with a heartbeat, with a declared gap, and with neither. Today is not over yet.
WITH clock AS (
    SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date AS today,
           (SELECT (min(signed_at) AT TIME ZONE 'UTC')::date FROM lifecycle.evidence) AS first
), day AS (
    SELECT d::date AS day FROM clock, generate_series(clock.first::timestamp, clock.today - interval '1 day', interval '1 day') AS d
), beat AS (
    SELECT to_date(substr(evidence_id, 11, 10), 'YYYY/MM/DD') AS day, min(signed_at) AS signed_at
    FROM lifecycle.evidence WHERE predicate_type = %(predicate_type)s GROUP BY 1
), judged AS (
    SELECT day.day, b.signed_at, (b.signed_at AT TIME ZONE 'UTC')::date > day.day AS gap FROM day LEFT JOIN beat b USING (day)
)
SELECT count(*) AS days, count(*) FILTER (WHERE gap) AS gaps, count(*) FILTER (WHERE signed_at IS NULL) AS missing,
       coalesce(array_agg(day ORDER BY day) FILTER (WHERE gap AND signed_at > %(since)s), '{}') AS new_gaps,
       coalesce(array_agg(day ORDER BY day) FILTER (WHERE signed_at IS NULL), '{}') AS missing_days
FROM judged
