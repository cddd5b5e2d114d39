COPY studio.legal_hold_uploads (hold_id, upload_id) FROM STDIN
