-- Each vendor with its erasures by state, and until when the latest may remain.
SELECT vendor, state, count(*) AS erasures, max(residual_until) AS until, count(*) FILTER (WHERE gap) AS gaps
FROM lifecycle.vendor_watch
GROUP BY vendor, state
ORDER BY vendor, state
