-- People to be cut off from their payments: they asked, or were found to be minors.
SELECT customer_id FROM studio.customers
WHERE pseudonymised_at IS NULL AND (erase_requested_at <= %(as_of)s OR is_minor)
ORDER BY customer_id
