SELECT studio.place_hold(%(basis)s, %(basis_class)s, %(placed_by)s, %(expires_at)s, %(uploads)s::uuid[]) AS hold_id
