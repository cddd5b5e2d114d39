COPY studio.order_uploads (order_id, upload_id) FROM STDIN
