SELECT hold_id, basis_class, expires_at, begun_at, count(DISTINCT upload_id) AS files
FROM studio.held_file
GROUP BY hold_id, basis_class, expires_at, begun_at
ORDER BY hold_id
