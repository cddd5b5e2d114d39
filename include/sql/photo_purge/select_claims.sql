-- The claims this run still holds in a batch: a worker that wakes up late finds them gone.
SELECT case_id, epoch FROM lifecycle.erasure_case WHERE run_id = %(run_id)s AND batch = %(batch)s AND state = 'open'
