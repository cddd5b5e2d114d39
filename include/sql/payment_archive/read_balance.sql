SELECT * FROM lifecycle.archive_balance
