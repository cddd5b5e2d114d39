-- What was said about pausing, the latest first.
SELECT paused, at, by_whom, why FROM lifecycle.posture ORDER BY posture_id DESC LIMIT 100
