-- Cases of a batch that must not be touched now, whatever the plan said. Asked again before every request.
SELECT c.case_id, 'reopened' AS why
FROM lifecycle.erasure_case c
JOIN studio.orders o USING (order_id)
WHERE c.run_id = %(run_id)s AND c.batch = %(batch)s
  AND CASE c.reason
          WHEN 'terminal' THEN o.terminal_at IS NULL OR o.terminal_at > c.anchor_at
          WHEN 'inactivity' THEN o.terminal_at IS NULL AND o.last_activity_at > %(inactive_before)s
          ELSE o.erase_requested_at IS NULL
      END
UNION ALL
SELECT c.case_id, 'legal-hold'
FROM studio.effective_hold h
JOIN lifecycle.item i USING (upload_id)
JOIN lifecycle.erasure_case c ON c.case_id = i.case_id
WHERE i.run_id = %(run_id)s AND c.run_id = %(run_id)s AND c.batch = %(batch)s AND i.disposition = 'erase'
UNION ALL
SELECT c.case_id, 'shared'
FROM lifecycle.erasure_case c
JOIN lifecycle.item i ON i.case_id = c.case_id AND i.run_id = c.run_id
JOIN studio.order_uploads s ON s.upload_id = i.upload_id AND s.order_id <> c.order_id
JOIN studio.orders other ON other.order_id = s.order_id AND other.photo_state = 'present'
WHERE c.run_id = %(run_id)s AND c.batch = %(batch)s AND i.disposition = 'erase'
  AND NOT EXISTS (SELECT FROM lifecycle.erasure_case d
                  WHERE d.order_id = s.order_id AND d.run_id = c.run_id
                    AND NOT (d.reason = 'terminal' AND (other.terminal_at IS NULL OR other.terminal_at > d.anchor_at)))
