COPY lifecycle.vendor_sub_processor (register_sha256, vendor, contract, name, service, countries, dpf_listing, declared_from,
    declared_until) FROM STDIN
