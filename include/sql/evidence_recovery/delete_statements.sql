DELETE FROM lifecycle.evidence WHERE evidence_id = ANY (%(names)s)
