-- Written before the first request: after a crash it is known what may have been touched.
UPDATE lifecycle.item i
SET state = 'intended', code = NULL, changed_at = clock_timestamp()
FROM lifecycle.erasure_case c
WHERE i.case_id = c.case_id AND i.run_id = %(run_id)s AND c.run_id = %(run_id)s AND c.batch = %(batch)s
  AND i.epoch = c.epoch AND i.disposition = 'erase' AND i.state IN ('planned', 'intended', 'failed', 'unknown', 'stopped')
RETURNING i.item_id, i.case_id, i.bucket, i.object_key, i.kind, i.version_id, i.bytes
