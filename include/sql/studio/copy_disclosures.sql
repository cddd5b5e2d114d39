COPY studio.disclosures (disclosure_id, order_id, vendor, data_category, purpose, destination_country, upload_id,
    vendor_ref, sent_at, origin_country, access_countries, sub_processors, transport)
FROM STDIN
