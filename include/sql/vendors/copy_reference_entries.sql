COPY lifecycle.reference_entry (reference_sha256, list, regime, code, scope, condition, instrument, in_force_from, in_force_until,
    status, source, source_date, reviewed_by) FROM STDIN
