-- How many parts each case already has at a vendor.
SELECT case_id, vendor, max(part) AS parts
FROM lifecycle.vendor_erasure
WHERE case_id = ANY (%(case_ids)s::uuid[])
GROUP BY case_id, vendor
