SELECT month, attached, stray_rows FROM studio.payment_months() ORDER BY month
