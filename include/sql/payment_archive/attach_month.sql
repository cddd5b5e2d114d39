SELECT studio.attach_payment_month(%(month)s::date) AS done
