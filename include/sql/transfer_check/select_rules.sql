SELECT rule, clause, applies, requires, violation FROM lifecycle.transfer_rule ORDER BY rule
