-- How far the log was verified without any finding.
SELECT tree_size, root, checked_at FROM lifecycle.audit_log WHERE findings = 0 AND tree_size > 0
ORDER BY tree_size DESC, checked_at DESC LIMIT 1
