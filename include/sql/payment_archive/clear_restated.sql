DELETE FROM lifecycle.payment_restated WHERE file_id = %(file_id)s
