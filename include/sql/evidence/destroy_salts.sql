SELECT lifecycle.destroy_salts(%(closed_before)s::timestamptz) AS destroyed
