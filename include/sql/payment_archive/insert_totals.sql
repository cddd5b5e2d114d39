INSERT INTO lifecycle.archive_total (file_id, month, currency, kind, rows, amount)
SELECT %(file_id)s, t.* FROM unnest(%(months)s::date[], %(currencies)s::text[], %(kinds)s::text[], %(rows)s::bigint[],
    %(amounts)s::numeric[]) AS t
