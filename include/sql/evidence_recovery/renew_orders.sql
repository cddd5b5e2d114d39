UPDATE studio.orders SET photo_state = 'present' WHERE order_id = ANY (%(order_ids)s) AND photo_state <> 'present'
