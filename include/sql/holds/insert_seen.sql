INSERT INTO lifecycle.hold_seen (run_id, round, hold_id, basis_class, expires_at, files, versions, flagged)
VALUES (%(run_id)s, %(round)s, %(hold_id)s, %(basis_class)s, %(expires_at)s, %(files)s, %(versions)s, %(flagged)s)
