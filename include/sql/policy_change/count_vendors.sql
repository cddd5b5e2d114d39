SELECT vendor, count(*) AS files
FROM studio.disclosed_upload WHERE upload_id = ANY (%(upload_ids)s::uuid[])
GROUP BY vendor
