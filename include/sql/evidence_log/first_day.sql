-- The day of the first statement, null if there is none: before it nothing could have been missing.
SELECT (min(signed_at) AT TIME ZONE 'UTC')::date AS day, (clock_timestamp() AT TIME ZONE 'UTC')::date AS today,
       clock_timestamp() AS now
FROM lifecycle.evidence
