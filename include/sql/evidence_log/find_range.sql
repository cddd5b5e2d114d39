-- Entries that a period needs: from the last one before anything signed in it (less the margin) to the first one after
-- everything signed in it (more the margin), heartbeats of its days included; null where nothing was signed.
SELECT (SELECT min(l.log_index) FROM lifecycle.log_leaf l JOIN lifecycle.evidence e USING (evidence_id)
        WHERE e.signed_at > %(period_from)s - %(margin)s AND l.log_index < %(end)s) AS first,
       (SELECT max(l.log_index) FROM lifecycle.log_leaf l JOIN lifecycle.evidence e USING (evidence_id)
        WHERE l.log_index < %(end)s
          AND (e.signed_at < %(period_to)s + %(margin)s
               OR (e.predicate_type = %(heartbeat)s
                   AND e.evidence_id COLLATE "C" >= %(first_beat)s AND e.evidence_id COLLATE "C" < %(last_beat)s))) AS last
