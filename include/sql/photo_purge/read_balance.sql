SELECT * FROM lifecycle.balance
