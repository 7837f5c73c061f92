-- Roles by group are those that the allow-listed groups of an employee give, no more and no less.
SELECT e.id, e.group_roles, given.roles
FROM employee e LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT c.group_roles ->> g.display_name ORDER BY c.group_roles ->> g.display_name) AS roles
    FROM scim_group_member m JOIN scim_group g ON g.id = m.group_id JOIN company c ON c.id = g.company_id
    WHERE m.company_id = e.company_id AND m.employee_id = e.id AND c.group_roles ? g.display_name) given ON true
WHERE e.group_roles <> coalesce(given.roles, '{}')
