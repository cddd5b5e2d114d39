SELECT count(*) AS rows FROM studio.payments
