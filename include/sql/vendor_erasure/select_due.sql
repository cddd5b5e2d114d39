-- Held ones too: they are counted, not planned.
SELECT case_id, vendor, disclosure_id, held FROM lifecycle.vendor_due ORDER BY case_id, vendor, disclosure_id
