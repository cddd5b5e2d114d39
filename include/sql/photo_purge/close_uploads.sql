UPDATE studio.uploads u
SET absent_at = clock_timestamp()
FROM lifecycle.item i
WHERE i.run_id = %(run_id)s AND i.case_id = ANY (%(case_ids)s::uuid[]) AND i.upload_id = u.upload_id
  AND i.disposition = 'erase' AND u.absent_at IS NULL
