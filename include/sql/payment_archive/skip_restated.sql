-- What a file restates is not hot: it left with the file it comes from.
DELETE FROM archived
WHERE payment_id IN (SELECT r.payment_id FROM lifecycle.payment_restated r WHERE r.file_id = %(file_id)s)
