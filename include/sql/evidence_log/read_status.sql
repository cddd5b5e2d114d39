-- The log at a glance; days count in UTC from the first statement to today.
SELECT h.tree_size, c.tree_size AS published_size, c.root, c.published_at, e.unstored, e.unsequenced, e.last_heartbeat,
       e.gaps, coalesce((clock_timestamp() AT TIME ZONE 'UTC')::date - e.first_day + 1, 0) - e.heartbeats AS missing
FROM lifecycle.log_head h
LEFT JOIN LATERAL (SELECT * FROM lifecycle.log_checkpoint ORDER BY tree_size DESC LIMIT 1) c ON true
CROSS JOIN (SELECT count(*) FILTER (WHERE v.stored_at IS NULL) AS unstored,
                   count(*) FILTER (WHERE l.evidence_id IS NULL) AS unsequenced,
                   max(v.signed_at) FILTER (WHERE v.predicate_type = %(heartbeat)s) AS last_heartbeat,
                   count(*) FILTER (WHERE v.predicate_type = %(heartbeat)s) AS heartbeats,
                   count(*) FILTER (WHERE v.predicate_type = %(heartbeat)s AND substr(v.evidence_id, 11, 10)
                                          <> to_char(v.signed_at AT TIME ZONE 'UTC', 'YYYY/MM/DD')) AS gaps,
                   (min(v.signed_at) AT TIME ZONE 'UTC')::date AS first_day
            FROM lifecycle.evidence v LEFT JOIN lifecycle.log_leaf l USING (evidence_id)) e
