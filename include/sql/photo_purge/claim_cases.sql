-- An open case is taken over, never doubled: its epoch rises, and whoever held it before can change nothing any more.
INSERT INTO lifecycle.erasure_case AS c (pipeline, order_id, anchor_at, reason, start_at, deadline_at, run_id, batch)
SELECT %(pipeline)s, d.order_id, d.anchor_at, d.reason, d.start_at, d.deadline_at, %(run_id)s, d.batch
FROM unnest(%(order_ids)s::text[], %(anchors)s::timestamptz[], %(reasons)s::text[], %(starts)s::timestamptz[],
            %(deadlines)s::timestamptz[], %(batches)s::integer[])
     AS d (order_id, anchor_at, reason, start_at, deadline_at, batch)
ON CONFLICT (pipeline, order_id) WHERE state = 'open'
DO UPDATE SET run_id = excluded.run_id, epoch = c.epoch + 1, anchor_at = excluded.anchor_at, reason = excluded.reason,
              start_at = excluded.start_at, deadline_at = excluded.deadline_at, batch = excluded.batch
RETURNING c.order_id, c.case_id, c.epoch
