SELECT studio.detach_payment_month(%(month)s::date) AS done
