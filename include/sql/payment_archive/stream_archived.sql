COPY archived (payment_id, occurred_at, digest) FROM STDIN (FORMAT binary)
