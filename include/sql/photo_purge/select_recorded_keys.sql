-- Which of the given keys belong to a recorded file: those are judged with their own orders, never as strays.
SELECT DISTINCT u.object_key
FROM unnest(%(keys)s::text[]) AS k (object_key)
JOIN studio.uploads u USING (object_key)
