INSERT INTO lifecycle.hold_look (run_id, round, bucket, in_force, flagged, bare, late, left_on, unknown, canaries, canaries_missing)
VALUES (%(run_id)s, %(round)s, %(bucket)s, %(in_force)s, %(flagged)s, %(bare)s, %(late)s, %(left_on)s, %(unknown)s, %(canaries)s,
        %(canaries_missing)s)
