COPY lifecycle.vendor_contract (register_sha256, vendor, contract, valid_from, valid_until, data_categories, purposes,
    storage_countries, access_countries) FROM STDIN
