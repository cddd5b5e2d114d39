SELECT max(checked_at) AS checked_at FROM lifecycle.audit_log WHERE first_index = 0 AND findings = 0
