-- Requests that the restored rows have forgotten, as the deletion ledger knows them while their cases wait: for a vendor,
-- for a hold. Those of closed cases come back with what the audit finds.
UPDATE studio.orders o
SET erase_requested_at = c.anchor_at
FROM lifecycle.erasure_case c
WHERE c.order_id = o.order_id AND c.state = 'open' AND c.reason = 'request' AND o.erase_requested_at IS NULL
