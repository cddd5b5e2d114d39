UPDATE studio.customers SET pseudonymised_at = coalesce(pseudonymised_at, clock_timestamp()), payments_kept_until = %(kept_until)s
WHERE customer_id = %(customer_id)s
