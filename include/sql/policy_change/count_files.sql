-- Counted by itself, not from what the plan found: every kind of file there was at that moment.
INSERT INTO lifecycle.policy_sight (run_id, round, category, objects, bytes)
SELECT %(run_id)s, (SELECT coalesce(max(round), 0) + 1 FROM lifecycle.policy_sight WHERE run_id = %(run_id)s),
       kind.category, count(u.upload_id), coalesce(sum(u.bytes), 0)
FROM unnest(%(categories)s::text[]) AS kind (category)
LEFT JOIN studio.uploads u
       ON u.category = kind.category AND u.uploaded_at <= %(as_of)s AND (u.absent_at IS NULL OR u.absent_at > %(as_of)s)
GROUP BY kind.category
RETURNING category, round, objects, bytes
