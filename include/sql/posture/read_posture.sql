-- The latest word; no row if nobody ever paused anything.
SELECT paused, at, by_whom, why FROM lifecycle.posture ORDER BY posture_id DESC LIMIT 1
