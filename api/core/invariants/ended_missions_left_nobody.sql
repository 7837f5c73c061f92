-- The counter of live applications is right, and a mission that ended has none.
SELECT m.id AS mission_id, m.state, m.live, count(a.id) AS counted
FROM mission m LEFT JOIN application a
    ON a.mission_id = m.id AND a.state IN ('submitted', 'shortlisted', 'waitlisted', 'offered', 'accepted')
GROUP BY m.id HAVING m.live <> count(a.id) OR (m.live > 0 AND m.state IN ('completed', 'cancelled', 'expired'))
