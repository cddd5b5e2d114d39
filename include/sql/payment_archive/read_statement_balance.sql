SELECT statements, months, months_given, verdict FROM lifecycle.statement_balance
