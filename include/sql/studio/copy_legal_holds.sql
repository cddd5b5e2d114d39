COPY studio.legal_holds (hold_id, basis, placed_by, approved_by, placed_at, expires_at, released_at) FROM STDIN
