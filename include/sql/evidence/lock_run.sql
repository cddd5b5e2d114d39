-- Whoever states something about a run waits here for whoever does so now: statements of one run come one after the other.
SELECT run_id FROM lifecycle.run WHERE run_id = %(run_id)s FOR NO KEY UPDATE
