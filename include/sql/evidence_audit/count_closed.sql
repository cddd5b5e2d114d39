-- All closed cases there were, whether or not they are looked at; those without a root were closed before roots were kept.
SELECT count(*) AS closed, count(*) FILTER (WHERE commitments_root IS NULL) AS without_root
FROM lifecycle.erasure_case
WHERE pipeline = ANY (%(pipelines)s) AND state = 'absent' AND closed_at < %(as_of)s
