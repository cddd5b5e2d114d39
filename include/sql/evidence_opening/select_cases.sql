-- Cases of an order; without a salt nobody can open them any more.
SELECT c.case_id, c.state, c.commitments_root, s.salt
FROM lifecycle.erasure_case c LEFT JOIN lifecycle.case_salt s USING (case_id)
WHERE c.order_id = %(order_id)s
ORDER BY c.case_id
