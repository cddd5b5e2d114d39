-- Orders whose files may be due: three partial indexes, so the cost follows what is due and not the history, and the
-- orders of which a sweep found something after their case was closed. Exact clocks are computed from the policy's versions.
SELECT o.order_id, o.terminal_at, o.last_activity_at, o.erase_requested_at, o.created_at
FROM studio.orders o
WHERE o.photo_state = 'present' AND o.terminal_at IS NOT NULL AND o.terminal_at <= %(terminal_before)s
UNION
SELECT o.order_id, o.terminal_at, o.last_activity_at, o.erase_requested_at, o.created_at
FROM studio.orders o
WHERE o.photo_state = 'present' AND o.terminal_at IS NULL AND o.last_activity_at <= %(inactive_before)s
UNION
SELECT o.order_id, o.terminal_at, o.last_activity_at, o.erase_requested_at, o.created_at
FROM studio.orders o
WHERE o.photo_state = 'present' AND o.erase_requested_at IS NOT NULL AND o.erase_requested_at <= %(requested_before)s
UNION
SELECT o.order_id, o.terminal_at, o.last_activity_at, o.erase_requested_at, o.created_at
FROM lifecycle.resurfaced r
JOIN studio.orders o USING (order_id)
WHERE r.found_at > (SELECT coalesce(max(c.closed_at), '-infinity') FROM lifecycle.erasure_case c WHERE c.order_id = r.order_id)
UNION
-- An order that a restored database does not have any more, while an audit found its files again: its case still knows.
SELECT c.order_id, CASE WHEN c.reason <> 'request' THEN c.anchor_at END, c.anchor_at,
       CASE WHEN c.reason = 'request' THEN c.anchor_at END, NULL
FROM lifecycle.resurfaced r
JOIN lifecycle.erasure_case c USING (order_id)
WHERE c.state = 'open' AND NOT EXISTS (SELECT FROM studio.orders o WHERE o.order_id = c.order_id)
