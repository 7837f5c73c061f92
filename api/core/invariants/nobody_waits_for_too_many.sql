-- Nobody who applied since a cap was set has more unanswered applications, but those that an association reopened.
SELECT a.person_id, c.format, c.most, count(*) AS waiting
FROM application a JOIN mission m ON m.id = a.mission_id JOIN application_cap c ON c.format IN ('any', m.format)
WHERE a.state IN ('submitted', 'shortlisted', 'waitlisted', 'offered')
  AND NOT EXISTS (SELECT FROM state_event e WHERE e.object_id = a.id AND e.from_state IN ('declined', 'expired'))
GROUP BY a.person_id, c.format, c.most, c.since HAVING count(*) > c.most AND max(a.created_at) > c.since
