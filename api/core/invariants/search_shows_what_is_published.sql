-- What is found is exactly the published missions, with the places really left; what is reserved, apart.
SELECT coalesce(m.id, s.id) AS mission_id, m.state, m.places - m.taken AS left_over, s.places_left
FROM (SELECT * FROM mission WHERE state = 'published') m
FULL JOIN (SELECT * FROM mission_search UNION ALL SELECT * FROM mission_reserved) s ON s.id = m.id
WHERE m.id IS NULL OR s.id IS NULL
   OR (m.title, m.places - m.taken, m.version, m.published_at, m.reserved_to)
      IS DISTINCT FROM (s.title, s.places_left, s.version, s.published_at, s.reserved_to)
