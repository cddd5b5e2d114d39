INSERT INTO lifecycle.situation (run_id, key, register_sha256, reference_sha256, vendor, data_category, purpose, origin_country,
    destination_country, access_countries, sub_processors, transport, minor, explicit_consent, separate_consent, volume_level, since,
    disclosures, cross_border, broken, rules)
SELECT %(run_id)s, key, register_sha256, reference_sha256, vendor, data_category, purpose, origin_country, destination_country,
       access_countries, sub_processors, transport, minor, explicit_consent, separate_consent, volume_level, since, disclosures,
       cross_border, broken, rules
FROM judged
WHERE NOT canary
