UPDATE lifecycle.evidence SET stored_at = %(stored_at)s, store_version_id = %(version_id)s
WHERE evidence_id = %(evidence_id)s AND stored_at IS NULL
