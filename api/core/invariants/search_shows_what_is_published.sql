-- What anyone finds is exactly the published missions, with the places really left.
SELECT coalesce(m.id, s.id) AS mission_id, m.state, m.places - m.taken AS left_over, s.places_left
FROM (SELECT * FROM mission WHERE state = 'published') m FULL JOIN mission_search s ON s.id = m.id
WHERE m.id IS NULL OR s.id IS NULL
   OR (m.title, m.places - m.taken, m.version, m.published_at) IS DISTINCT FROM (s.title, s.places_left, s.version, s.published_at)
