-- Cases that the run still holds.
SELECT count(*) AS cases FROM lifecycle.erasure_case WHERE run_id = %(run_id)s AND state = 'open'
