COPY lifecycle.vendor_security (register_sha256, vendor, measure, evidence, dated, valid_until) FROM STDIN
