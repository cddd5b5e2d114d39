-- The run takes its erasures over from whichever run had them: whatever an older one still does has no effect.
WITH taken AS (
    UPDATE lifecycle.vendor_erasure SET run_id = %(run_id)s, epoch = epoch + 1
    WHERE erasure_id = ANY (%(erasure_ids)s::uuid[])
    RETURNING erasure_id
)
INSERT INTO lifecycle.vendor_erasure_work (run_id, erasure_id) SELECT %(run_id)s, erasure_id FROM taken
