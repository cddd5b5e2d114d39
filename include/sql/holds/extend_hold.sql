SELECT studio.extend_hold(%(hold_id)s, %(who)s, %(until)s) AS extension_id
