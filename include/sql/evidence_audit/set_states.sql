-- What was stated of each case, and when it is due again; an audit that judged as of an earlier moment overwrites nothing.
INSERT INTO lifecycle.audit_state AS s (case_id, epoch, looked_at, verdict, stated, next_look_at, next_residue_at)
SELECT * FROM unnest(%(case_ids)s::uuid[], %(epochs)s::integer[], %(looked_at)s::timestamptz[], %(verdicts)s::text[],
                     %(stated)s::text[], %(next_looks)s::timestamptz[], %(next_residues)s::timestamptz[])
ON CONFLICT (case_id) DO UPDATE
SET epoch = excluded.epoch, looked_at = excluded.looked_at, verdict = excluded.verdict, stated = excluded.stated,
    next_look_at = excluded.next_look_at, next_residue_at = excluded.next_residue_at
WHERE s.epoch < excluded.epoch OR (s.epoch = excluded.epoch AND s.looked_at <= excluded.looked_at)
