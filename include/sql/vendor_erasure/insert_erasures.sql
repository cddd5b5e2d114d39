INSERT INTO lifecycle.vendor_erasure (erasure_id, case_id, vendor, part, connector, mode, confirms, max_residual, register_sha256,
                                      idempotency_key, run_id, next_poll_at)
SELECT e.erasure_id, e.case_id, e.vendor, e.part, e.connector, e.mode, e.confirms, e.max_residual, %(register)s,
       'erasure-' || e.erasure_id, %(run_id)s, %(as_of)s
FROM unnest(%(erasure_ids)s::uuid[], %(case_ids)s::uuid[], %(vendors)s::text[], %(parts)s::integer[], %(connectors)s::text[],
            %(modes)s::text[], %(confirms)s::text[], %(max_residuals)s::interval[])
     AS e (erasure_id, case_id, vendor, part, connector, mode, confirms, max_residual)
