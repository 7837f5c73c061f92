-- Nothing is worked in an employer's time while it is asked, and a refused application is over.
SELECT p.id AS application_id, p.state, p.employer_approval, h.id AS hours_id
FROM application p LEFT JOIN hours_entry h ON h.application_id = p.id AND h.created_at > p.approval_asked_at
WHERE (h.id IS NOT NULL AND p.employer_approval = 'pending')
   OR (p.employer_approval = 'refused'
       AND p.state IN ('submitted', 'shortlisted', 'waitlisted', 'offered', 'accepted'))
