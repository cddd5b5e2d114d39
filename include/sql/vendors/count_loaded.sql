-- A version is used whole or not at all.
SELECT (SELECT v.entries = (SELECT count(*) FROM lifecycle.reference_entry e WHERE e.reference_sha256 = v.reference_sha256)
        FROM lifecycle.reference_version v WHERE v.reference_sha256 = %(reference)s) AS reference_whole,
       (SELECT r.vendors = (SELECT count(*) FROM lifecycle.vendor e WHERE e.register_sha256 = r.register_sha256)
        FROM lifecycle.register_version r WHERE r.register_sha256 = %(register)s) AS register_whole
