SELECT processor_reference, object_key, email, held FROM lifecycle.vendor_subject
WHERE erasure_id = %(erasure_id)s
ORDER BY processor_reference, object_key
