-- What cases of a run that are proven absent commit to: each reference sealed to be erased, once, whichever run sealed it.
-- Of earlier runs only what this one neither decided otherwise about nor left to a file that is still recorded: of that
-- nobody saw that it is absent.
INSERT INTO lifecycle.closed_item (case_id, item_id)
SELECT DISTINCT ON (i.case_id, i.bucket, i.object_key, i.kind, i.version_id) i.case_id, i.item_id
FROM lifecycle.item i
WHERE i.case_id = ANY (%(case_ids)s::uuid[]) AND i.disposition = 'erase'
  AND (i.run_id = %(run_id)s
       OR (NOT EXISTS (SELECT FROM lifecycle.item n
                       WHERE n.run_id = %(run_id)s AND n.bucket = i.bucket AND n.object_key = i.object_key
                         AND n.kind = i.kind AND n.version_id = i.version_id)
           AND NOT EXISTS (SELECT FROM studio.uploads u WHERE u.object_key = i.object_key AND u.absent_at IS NULL)))
ORDER BY i.case_id, i.bucket, i.object_key, i.kind, i.version_id, i.item_id
ON CONFLICT DO NOTHING  -- closed before, and opened again since
