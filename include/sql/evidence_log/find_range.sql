-- The first entry signed in a period (less the margin) and the last one (more the margin); null where there is none.
SELECT (SELECT min(l.log_index) FROM lifecycle.log_leaf l JOIN lifecycle.evidence e USING (evidence_id)
        WHERE e.signed_at > %(period_from)s - %(margin)s AND l.log_index < %(end)s) AS first,
       (SELECT max(l.log_index) FROM lifecycle.log_leaf l JOIN lifecycle.evidence e USING (evidence_id)
        WHERE e.signed_at < %(period_to)s + %(margin)s AND l.log_index < %(end)s) AS last
