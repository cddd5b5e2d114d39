-- What was stated about these runs, with each statement's place in the log and what it claims.
SELECT e.run_id, e.sequence, e.evidence_id, e.predicate_type, e.outcome, e.key_id, e.envelope_sha256, e.signed_at, e.stored_at,
       l.log_index,
       (convert_from(decode((convert_from(e.envelope, 'UTF8')::jsonb) ->> 'payload', 'base64'), 'UTF8')::jsonb)
           #> '{predicate,claims}' AS claims
FROM lifecycle.evidence e
LEFT JOIN lifecycle.log_leaf l USING (evidence_id)
WHERE e.run_id = ANY (%(run_ids)s::bigint[])
ORDER BY e.run_id DESC, e.sequence
