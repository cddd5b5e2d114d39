-- What the cases committed to when they were closed.
SELECT k.case_id, i.bucket, i.object_key, i.kind, i.version_id
FROM lifecycle.audit_case a
JOIN lifecycle.closed_item k USING (case_id)
JOIN lifecycle.item i USING (item_id)
WHERE a.run_id = %(run_id)s
