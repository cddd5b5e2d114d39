ANALYZE examined
