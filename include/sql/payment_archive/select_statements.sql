SELECT provider, period_from, period_to, lines, matched, missing_here, missing_there, differing
FROM lifecycle.provider_statement_latest ORDER BY provider, period_from
