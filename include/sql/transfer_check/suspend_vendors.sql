-- The policy names the rules that suspend; a vendor already suspended stays so.
INSERT INTO studio.vendor_suspension (vendor, reason)
SELECT s.vendor, 'transfer check, run ' || %(run_id)s || ': ' || string_agg(DISTINCT b.rule, ', ')
FROM lifecycle.situation s, unnest(s.broken) AS b (rule)
WHERE s.run_id = %(run_id)s AND b.rule = ANY (%(rules)s)
GROUP BY s.vendor
ON CONFLICT (vendor) WHERE lifted_at IS NULL DO NOTHING
RETURNING vendor
