ANALYZE archived
