ANALYZE studio.payments
