DELETE FROM lifecycle.payment_restated WHERE file_id = %(file_id)s AND charge_id = ANY (%(charge_ids)s::uuid[])
