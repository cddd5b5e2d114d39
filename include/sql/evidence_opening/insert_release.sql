INSERT INTO lifecycle.opening_released (case_id, items, released_by, purpose)
VALUES (%(case_id)s, %(items)s, %(released_by)s, %(purpose)s)
