-- No working hour is posted before the employer agreed, and a refused application is over.
SELECT p.id AS application_id, p.state, p.employer_approval, l.id AS ledger_id
FROM application p LEFT JOIN ledger_line l ON l.mission_id = p.mission_id AND l.employee_id = p.employee_id
    AND l.hours_id IN (SELECT id FROM hours_entry WHERE application_id = p.id)
WHERE (l.id IS NOT NULL AND p.employer_approval = 'pending')
   OR (p.employer_approval = 'refused'
       AND p.state IN ('submitted', 'shortlisted', 'waitlisted', 'offered', 'accepted'))
