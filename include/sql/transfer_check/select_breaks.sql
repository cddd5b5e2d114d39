-- Every moment at which anything in these versions begins or ends: between two of them nothing that counts changes.
SELECT array_agg(DISTINCT at ORDER BY at) AS breaks
FROM (
    SELECT m.at FROM lifecycle.reference_entry e, unnest(ARRAY[e.in_force_from, e.in_force_until]) AS m (at)
    WHERE e.reference_sha256 = ANY (%(references)s)
    UNION ALL
    SELECT m.at FROM lifecycle.vendor_contract c, unnest(ARRAY[c.valid_from, c.valid_until]) AS m (at)
    WHERE c.register_sha256 = ANY (%(registers)s)
    UNION ALL
    SELECT m.at FROM lifecycle.vendor_sub_processor p, unnest(ARRAY[p.declared_from, p.declared_until]) AS m (at)
    WHERE p.register_sha256 = ANY (%(registers)s)
    UNION ALL
    SELECT m.at
    FROM lifecycle.vendor_mechanism x,
         unnest(ARRAY[x.signed_at, x.assessed_at, x.assessment_until, x.route_from, x.route_until, x.notice_from]) AS m (at)
    WHERE x.register_sha256 = ANY (%(registers)s)
    UNION ALL
    SELECT m.at FROM lifecycle.vendor_security s, unnest(ARRAY[s.dated, s.valid_until]) AS m (at)
    WHERE s.register_sha256 = ANY (%(registers)s)
) AS moments
WHERE at IS NOT NULL
