-- Months of which something that arrived is neither hot nor archived nor expired.
SELECT DISTINCT month FROM lifecycle.payment_books WHERE missing_rows <> 0 OR missing_amount <> 0
