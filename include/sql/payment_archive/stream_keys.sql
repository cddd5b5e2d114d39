COPY archived (payment_id, occurred_at) FROM STDIN (FORMAT binary)
