INSERT INTO lifecycle.posture (paused, by_whom, why) VALUES (%(paused)s, %(by_whom)s, %(why)s)
