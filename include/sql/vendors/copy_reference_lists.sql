COPY lifecycle.reference_list (reference_sha256, list, oldest_source, stale_from) FROM STDIN
