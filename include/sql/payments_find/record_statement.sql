INSERT INTO lifecycle.provider_statement (provider, sha256, period_from, period_to, lines, matched, missing_here,
                                          missing_there, differing, other)
VALUES (%(provider)s, %(sha256)s, %(period_from)s, %(period_to)s, %(lines)s, %(matched)s, %(missing_here)s,
        %(missing_there)s, %(differing)s, %(other)s)
