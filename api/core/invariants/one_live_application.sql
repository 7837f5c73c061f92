-- A person has at most one live application on a mission.
SELECT mission_id, person_id, count(*) AS live FROM application
WHERE state IN ('submitted', 'shortlisted', 'waitlisted', 'offered', 'accepted')
GROUP BY mission_id, person_id HAVING count(*) > 1
