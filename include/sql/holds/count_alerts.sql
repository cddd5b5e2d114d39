-- What a person has to look at: holds that lack something and are older than they may stay so, and files whose hold ended
-- longer ago than they may stay, though the purge has them on its list.
SELECT (SELECT count(*) FROM studio.flawed_hold) AS flawed,
       (SELECT count(*) FROM studio.flawed_hold f JOIN studio.legal_holds h USING (hold_id)
        WHERE h.placed_at <= %(as_of)s - %(mend_within)s::interval) AS flaws_unmended,
       (SELECT count(DISTINCT r.hold_id) FROM studio.released_hold r WHERE r.ended_at > %(as_of)s - interval '1 day') AS ended_today,
       (SELECT count(DISTINCT h.hold_id) FROM studio.hold_in_force h WHERE h.expires_at <= %(as_of)s + interval '7 days') AS ending_soon,
       (SELECT count(DISTINCT u.upload_id)
        FROM studio.released_hold r
        JOIN studio.uploads u USING (upload_id)
        WHERE u.absent_at IS NULL AND r.ended_at <= %(as_of)s - %(erase_within)s::interval
          AND NOT EXISTS (SELECT FROM studio.held_file h WHERE h.upload_id = u.upload_id)
          AND EXISTS (SELECT FROM lifecycle.erasure_case c JOIN lifecycle.item i ON i.case_id = c.case_id AND i.run_id = c.run_id
                      WHERE c.state = 'open' AND i.upload_id = u.upload_id AND i.disposition <> 'keep')) AS overdue
