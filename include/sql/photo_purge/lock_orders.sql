-- Files being added to these orders wait here, or are seen by the statements after this one. A plan that would take the
-- cases over waits too, or has them already: what is closed next is closed whole, or not at all.
SELECT o.order_id
FROM studio.orders o
JOIN lifecycle.erasure_case c USING (order_id)
WHERE c.run_id = %(run_id)s AND c.state = 'open'
ORDER BY o.order_id
FOR UPDATE OF o, c
