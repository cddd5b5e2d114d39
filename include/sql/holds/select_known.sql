-- What we flagged, or meant to.
SELECT bucket, object_key, version_id, upload_id, state FROM lifecycle.store_hold
