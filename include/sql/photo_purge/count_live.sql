-- Recorded files that may still exist.
SELECT count(*) AS live FROM studio.uploads WHERE absent_at IS NULL
