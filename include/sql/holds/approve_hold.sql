SELECT studio.approve_hold(%(hold_id)s, %(who)s) AS approved
