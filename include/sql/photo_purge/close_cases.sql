UPDATE lifecycle.erasure_case
SET state = 'absent', closed_at = clock_timestamp()
WHERE case_id = ANY (%(case_ids)s::uuid[]) AND run_id = %(run_id)s AND state = 'open'
RETURNING case_id, deadline_at, closed_at
