-- What one inventory has and the other has not: lines, vendors, and drift.
WITH entry AS (
    SELECT run_id, 'line' AS what, vendor, data_category AS subject, country FROM lifecycle.inventory_line WHERE NOT canary
    UNION ALL SELECT run_id, 'vendor', vendor, '', '' FROM lifecycle.inventory_vendor WHERE NOT canary
    UNION ALL SELECT DISTINCT run_id, kind, vendor, subject, '' FROM lifecycle.inventory_drift WHERE NOT canary
), now AS (
    SELECT what, vendor, subject, country FROM entry WHERE run_id = %(run_id)s
), before AS (
    SELECT what, vendor, subject, country FROM entry WHERE run_id = %(previous)s
)
SELECT 'began' AS change, what, vendor, subject, country FROM (SELECT * FROM now EXCEPT SELECT * FROM before) AS begun
UNION ALL
SELECT 'ended', what, vendor, subject, country FROM (SELECT * FROM before EXCEPT SELECT * FROM now) AS over
ORDER BY 3, 2, 4, 5, 1
