SELECT vendor, data_category, purpose, origin_country, destination_country, cross_border, broken, rules FROM judged
ORDER BY destination_country
