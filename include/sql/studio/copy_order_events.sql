COPY studio.order_events (order_id, kind, occurred_at, recorded_at) FROM STDIN
