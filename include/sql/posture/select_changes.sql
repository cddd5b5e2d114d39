-- All that was said about pausing, in order.
SELECT at, paused, by_whom, why FROM lifecycle.posture ORDER BY posture_id
