WITH answer AS (
    SELECT * FROM unnest(%(item_ids)s::bigint[], %(states)s::text[], %(codes)s::text[]) AS a (item_id, state, code)
), done AS (
    UPDATE lifecycle.hold_item i SET state = a.state, code = a.code, changed_at = clock_timestamp()
    FROM answer a WHERE i.item_id = a.item_id AND i.run_id = %(run_id)s
    RETURNING i.bucket, i.object_key, i.version_id, i.want, i.state
), kept AS (
    UPDATE lifecycle.store_hold s SET state = 'on', changed_at = clock_timestamp()
    FROM done d
    WHERE (s.bucket, s.object_key, s.version_id) = (d.bucket, d.object_key, d.version_id)
      AND (d.want = 'on' AND d.state = 'accepted' OR d.state = 'stopped')
), forgotten AS (
    DELETE FROM lifecycle.store_hold s USING done d
    WHERE (s.bucket, s.object_key, s.version_id) = (d.bucket, d.object_key, d.version_id)
      AND (d.state = 'gone' OR d.want = 'off' AND d.state = 'accepted')
)
SELECT count(*) AS recorded FROM done
