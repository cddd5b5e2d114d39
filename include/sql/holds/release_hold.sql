SELECT studio.release_hold(%(hold_id)s, %(who)s)
