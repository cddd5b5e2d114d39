-- What must not be there any more, and what came into the folder of an order that no plan would look at again: an upload
-- by an old signed address, a restored copy, an object without a row. The next plan decides by the exact clocks.
INSERT INTO lifecycle.resurfaced (order_id, run_id)
SELECT DISTINCT owner.order_id, %(run_id)s::bigint
FROM judged j
CROSS JOIN LATERAL unnest(j.owners) AS owner (order_id)
WHERE j.verdict = 'overdue' OR (j.verdict = 'owned' AND j.unclaimed)
ON CONFLICT DO NOTHING
