SELECT studio.drop_payment_month(%(month)s::date) AS done
