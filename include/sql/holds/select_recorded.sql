-- Keys that a row knows: those are held for themselves or not at all. The others in the folder of a held file are strays.
SELECT u.object_key FROM studio.uploads u WHERE u.object_key = ANY (%(keys)s::text[])
