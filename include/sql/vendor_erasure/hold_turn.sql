-- One plan at a time: two would each want to plan what neither has planned yet.
SELECT pg_advisory_xact_lock(hashtext('vendor_erasure.plan')) IS NULL AS held
