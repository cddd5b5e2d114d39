SELECT at, paused, by_whom, why FROM lifecycle.stay_paused()
