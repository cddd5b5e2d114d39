-- Intent goes first: a flag that is set and not noted would be nobody's to let go.
WITH meant AS (
    UPDATE lifecycle.hold_item SET state = 'intended', changed_at = clock_timestamp()
    WHERE run_id = %(run_id)s AND state IN ('planned', 'intended', 'failed', 'unknown')
    RETURNING item_id, bucket, object_key, version_id, upload_id, origin, want
), noted AS (
    INSERT INTO lifecycle.store_hold AS s (bucket, object_key, version_id, upload_id, state, run_id)
    SELECT bucket, object_key, version_id, upload_id, CASE want WHEN 'on' THEN 'intended' ELSE 'clearing' END, %(run_id)s FROM meant
    ON CONFLICT (bucket, object_key, version_id)
    DO UPDATE SET state = excluded.state, run_id = excluded.run_id, changed_at = clock_timestamp()
)
SELECT item_id, bucket, object_key, version_id, want FROM meant ORDER BY item_id
