-- Digest over the sorted disclosures of the run; in portions, so that no server has to hold all of them in one value.
WITH item AS (
    SELECT disclosure_id, supersedes FROM lifecycle.transfer_item WHERE run_id = %(run_id)s
), portion AS (
    SELECT get_byte(uuid_send(disclosure_id), 0) AS first, count(*) AS items, count(supersedes) AS again,
           sha256(string_agg(uuid_send(disclosure_id), ''::bytea ORDER BY disclosure_id)) AS digest
    FROM item
    GROUP BY 1
)
SELECT coalesce(sum(items), 0)::bigint AS items, coalesce(sum(again), 0)::bigint AS again,
       encode(sha256(coalesce(string_agg(digest, ''::bytea ORDER BY first), ''::bytea)), 'hex') AS sha256
FROM portion
