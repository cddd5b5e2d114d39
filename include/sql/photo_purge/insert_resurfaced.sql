INSERT INTO lifecycle.resurfaced (order_id, run_id)
SELECT DISTINCT j.folder, %(run_id)s::bigint
FROM judged j
JOIN studio.orders o ON o.order_id = j.folder
WHERE j.verdict = 'overdue'
ON CONFLICT DO NOTHING
