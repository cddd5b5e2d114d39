COPY lifecycle.vendor_mechanism (register_sha256, vendor, contract, position, mechanism, regimes, countries, covered_as, listing,
    module, signed_at, assessed_at, assessment_until, assessment_positive, route, route_from, route_until, notice_from) FROM STDIN
