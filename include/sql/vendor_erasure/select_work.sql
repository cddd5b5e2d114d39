-- What is left to do in one stage of a run, as far as no later run has taken it over.
SELECT e.erasure_id, e.vendor, e.connector, e.mode, e.confirms, e.max_residual, e.idempotency_key, e.state, e.reference, e.attempts,
       e.epoch, e.planned_at, e.submitted_at, e.accepted_at, e.completed_at, e.sight,
       (SELECT max(s.sent_at) FROM lifecycle.vendor_subject s WHERE s.erasure_id = e.erasure_id) AS last_sent
FROM lifecycle.vendor_erasure_work w
JOIN lifecycle.vendor_erasure e ON e.erasure_id = w.erasure_id AND e.run_id = w.run_id
WHERE w.run_id = %(run_id)s AND e.state <> 'verified'
  AND CASE %(stage)s
          WHEN 'submit' THEN e.accepted_at IS NULL AND e.state <> 'manual'
          WHEN 'poll' THEN e.accepted_at IS NOT NULL AND e.completed_at IS NULL AND e.state <> 'residual_until'
          WHEN 'verify' THEN e.completed_at IS NOT NULL
      END
ORDER BY e.vendor, e.erasure_id
