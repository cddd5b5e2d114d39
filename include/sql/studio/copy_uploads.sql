COPY studio.uploads (upload_id, category, role, bucket, object_key, sha256, bytes, media_type, derived_from, uploaded_at)
FROM STDIN
