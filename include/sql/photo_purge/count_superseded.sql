-- Items of this run whose case another run has taken over.
SELECT count(*) AS superseded
FROM lifecycle.item i
JOIN lifecycle.erasure_case c USING (case_id)
WHERE i.run_id = %(run_id)s AND (c.run_id <> i.run_id OR c.epoch <> i.epoch)
