SELECT since, reason FROM studio.vendor_suspension WHERE vendor = %(vendor)s AND lifted_at IS NULL
