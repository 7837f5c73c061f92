-- Whoever was erased has no name, address, door or text anywhere, and no job; their employees have no names either.
SELECT p.id AS person_id, held.what
FROM person p JOIN LATERAL (
    SELECT 'person' AS what WHERE p.given_name || p.family_name <> ''
    UNION ALL SELECT 'person_email' FROM person_email WHERE person_id = p.id
    UNION ALL SELECT 'identity' FROM identity WHERE person_id = p.id
    UNION ALL SELECT 'session' FROM session WHERE person_id = p.id
    UNION ALL SELECT 'platform_role' FROM platform_role WHERE person_id = p.id
    UNION ALL SELECT 'association_member' FROM association_member WHERE person_id = p.id
    UNION ALL SELECT 'notification' FROM notification WHERE person_id = p.id
    UNION ALL SELECT 'mail' FROM mail WHERE person_id = p.id
    UNION ALL SELECT 'magic_link' FROM magic_link WHERE person_id = p.id
    UNION ALL SELECT 'login' FROM login WHERE person_id = p.id
    UNION ALL SELECT 'export' FROM export WHERE person_id = p.id
    UNION ALL SELECT 'employee' FROM employee WHERE person_id = p.id
        AND (erased_at IS NULL OR given_name || family_name <> '' OR group_roles <> '{}'
             OR coalesce(email, external_id, user_name, employee_number, preferred_language) IS NOT NULL)
    UNION ALL SELECT 'scim_group_member' FROM scim_group_member m JOIN employee e ON e.id = m.employee_id
        WHERE e.person_id = p.id
    UNION ALL SELECT 'application' FROM application WHERE person_id = p.id
        AND (applicant_name || message <> '' OR coalesce(applicant_email, employer_reason) IS NOT NULL)
    UNION ALL SELECT 'message' FROM message WHERE person_id = p.id OR (author_id = p.id AND text <> '')
    UNION ALL SELECT 'calendar_feed' FROM calendar_feed WHERE person_id = p.id
    UNION ALL SELECT 'calendar_invitation' FROM calendar_invitation WHERE person_id = p.id
    UNION ALL SELECT 'feedback' FROM feedback WHERE person_id = p.id
    UNION ALL SELECT 'flag' FROM flag WHERE person_id = p.id AND text <> ''
    UNION ALL SELECT 'hours_entry' FROM hours_entry WHERE person_id = p.id AND note <> ''
) held ON true
WHERE p.erased_at IS NOT NULL
