-- Whoever left a company holds no live application through it, and no session that came through it.
SELECT e.id AS employee_id, a.id AS application_id, s.id AS session_id
FROM employee e
LEFT JOIN application a ON a.employee_id = e.id
    AND a.state IN ('submitted', 'shortlisted', 'waitlisted', 'offered', 'accepted')
LEFT JOIN session s ON s.person_id = e.person_id AND s.company_id = e.company_id
WHERE NOT e.active AND (a.id IS NOT NULL OR s.id IS NOT NULL)
