-- The rows themselves, as plain as they can be asked for.
SELECT disclosure_id, customer_id, is_minor, vendor, data_category, purpose, origin_country, destination_country, access_countries,
       sub_processors, transport, sent_at
FROM lifecycle.transfer_subject
WHERE NOT canary
