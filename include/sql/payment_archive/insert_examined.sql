INSERT INTO lifecycle.archive_examined (run_id, round, file_id, readable, records, orphans, doubled, still_hot, lock_wrong)
SELECT %(run_id)s, %(round)s, e.*
FROM unnest(%(file_ids)s::uuid[], %(readable)s::boolean[], %(records)s::bigint[], %(orphans)s::bigint[], %(doubled)s::bigint[],
            %(still_hot)s::bigint[], %(lock_wrong)s::boolean[]) AS e
