COPY lifecycle.vendor (register_sha256, vendor, name, kind, role, clause, services, subjects, retention, erasure_connector,
    erasure_mode, erasure_confirms, erasure_max_residual, reviewed_on, review_due_on) FROM STDIN
