SELECT * FROM lifecycle.hold_balance
