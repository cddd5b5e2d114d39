-- Every hold that has not ended, with what it lacks.
SELECT h.hold_id, h.placed_by, h.placed_at, h.approved_by, h.expires_at, coalesce(h.basis_class, 'other') AS basis_class,
       (SELECT count(*) FROM studio.legal_hold_uploads u WHERE u.hold_id = h.hold_id) AS files,
       e.asked_by, e.expires_at AS waits_until,
       CASE WHEN EXISTS (SELECT FROM studio.hold_in_force f WHERE f.hold_id = h.hold_id) THEN 'in force'
            WHEN h.expires_at <= clock_timestamp() THEN 'expired'
            WHEN coalesce(btrim(h.basis), '') = '' THEN 'ignored: no basis'
            WHEN h.expires_at IS NULL THEN 'ignored: no end'
            WHEN NOT EXISTS (SELECT FROM studio.legal_hold_uploads u WHERE u.hold_id = h.hold_id) THEN 'ignored: no files'
            WHEN coalesce(btrim(h.approved_by), '') = '' THEN 'ignored: waits for a second person'
            WHEN lower(btrim(h.approved_by)) = lower(btrim(h.placed_by)) THEN 'ignored: placed and approved by one person'
            ELSE 'begins later' END AS standing
FROM studio.legal_holds h
LEFT JOIN studio.legal_hold_extensions e ON e.hold_id = h.hold_id AND e.approved_at IS NULL
WHERE h.released_at IS NULL AND (h.expires_at IS NULL OR h.expires_at > clock_timestamp() - interval '7 days')
ORDER BY h.placed_at, h.hold_id
