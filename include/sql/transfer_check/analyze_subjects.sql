ANALYZE subject
