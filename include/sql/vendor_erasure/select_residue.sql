-- What vendors have of these cases, proven gone or not, with what decides until when the rest may remain.
SELECT r.case_id, r.vendor, r.disclosures, r.verified, r.residual, r.residual_until, c.deadline_at, c.closed_at
FROM lifecycle.vendor_residue r
JOIN lifecycle.erasure_case c USING (case_id)
WHERE r.case_id = ANY (%(case_ids)s::uuid[])
ORDER BY r.case_id, r.vendor
