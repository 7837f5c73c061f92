-- An application and its hours belong to the same mission, association, company, employee and person.
SELECT p.id AS application_id, NULL::uuid AS hours_id
FROM application p JOIN mission m ON m.id = p.mission_id JOIN employee e ON e.id = p.employee_id
WHERE p.association_id <> m.association_id OR p.company_id <> e.company_id OR p.person_id <> e.person_id
UNION ALL
SELECT p.id, h.id FROM hours_entry h JOIN application p ON p.id = h.application_id
WHERE (h.mission_id, h.association_id, h.company_id, h.employee_id, h.person_id, h.regime)
   IS DISTINCT FROM (p.mission_id, p.association_id, p.company_id, p.employee_id, p.person_id, p.regime)
