SELECT * FROM lifecycle.audit_balance
