SELECT count(*) AS verdicts FROM lifecycle.transfer_canary_verdict WHERE run_id = %(run_id)s
