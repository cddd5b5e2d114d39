-- People to be cut off from their payments: they asked, or were found to be minors; again when a later row names them.
SELECT c.customer_id FROM studio.customers c
WHERE (c.erase_requested_at <= %(as_of)s OR c.is_minor)
  AND (c.pseudonymised_at IS NULL
       OR EXISTS (SELECT FROM studio.payments p JOIN studio.orders o USING (order_id)
                  WHERE o.customer_id = c.customer_id AND p.payer_name IS NOT NULL))
ORDER BY c.customer_id
