SELECT count(DISTINCT charge_id) AS families FROM lifecycle.payment_quarantine WHERE cleared_at IS NULL
