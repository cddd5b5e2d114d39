SELECT studio.add_payment_months((%(from_at)s::timestamptz AT TIME ZONE 'UTC')::date, (%(to_at)s::timestamptz AT TIME ZONE 'UTC')::date) AS made
