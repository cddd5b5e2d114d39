INSERT INTO lifecycle.archive_file (run_id, batch, kind, window_start, window_end, final_from, final_to, order_id)
SELECT %(run_id)s, f.* FROM unnest(%(batches)s::integer[], %(kinds)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[],
    %(final_froms)s::timestamptz[], %(final_tos)s::timestamptz[], %(order_ids)s::text[]) AS f
