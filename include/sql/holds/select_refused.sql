-- Versions that the store would not let the purge erase: a restored database may not know any more who flagged them.
SELECT DISTINCT i.bucket, i.object_key, i.version_id, i.upload_id
FROM lifecycle.erasure_case c
JOIN lifecycle.item i ON i.case_id = c.case_id AND i.run_id = c.run_id
WHERE c.state = 'open' AND i.kind = 'version' AND i.state = 'failed' AND i.code = 'AccessDenied'
