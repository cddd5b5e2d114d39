-- What appeared after sealing joins the manifest, marked as late, under the claim that still stands.
INSERT INTO lifecycle.item (run_id, case_id, epoch, rule_id, origin, bucket, object_key, kind, version_id, bytes, disposition,
                            policy_version)
SELECT o.run_id, o.case_id, c.epoch,
       coalesce((SELECT i.rule_id FROM lifecycle.item i WHERE i.run_id = o.run_id AND i.object_key = o.object_key LIMIT 1),
                %(default_rule)s),
       'late', o.bucket, o.object_key, o.kind, o.version_id, o.bytes, 'erase',
       coalesce((SELECT i.policy_version FROM lifecycle.item i WHERE i.run_id = o.run_id AND i.object_key = o.object_key LIMIT 1),
                %(default_version)s)
FROM lifecycle.observation o
JOIN lifecycle.erasure_case c ON c.case_id = o.case_id AND c.run_id = o.run_id
WHERE o.run_id = %(run_id)s AND o.subject = 'survivor' AND o.outcome = 'present'
  AND o.round = (SELECT max(round) FROM lifecycle.observation WHERE run_id = %(run_id)s)
ON CONFLICT (run_id, bucket, object_key, kind, version_id) DO NOTHING
