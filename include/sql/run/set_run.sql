SELECT set_config('lifecycle.run_id', %(run_id)s::bigint::text, false)
