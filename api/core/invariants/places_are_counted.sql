-- The counter equals the applications that hold a place, and never passes the places.
SELECT m.id AS mission_id, m.places, m.taken, count(p.id) AS held
FROM mission m LEFT JOIN application p
    ON p.mission_id = m.id AND p.state IN ('accepted', 'offered', 'completed', 'no_show')
GROUP BY m.id HAVING m.taken <> count(p.id) OR m.taken > m.places
