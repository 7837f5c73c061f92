-- As before, but nobody who is entitled to write is left without an address: the association itself is written to where
-- its mission names nobody, or somebody who cannot be reached.
CREATE OR REPLACE FUNCTION contact_of_engagement(application uuid) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (
        SELECT jsonb_build_object('name', coalesce(said.name, s.name), 'phone', said.phone,
                                  'email', coalesce(said.email, CASE WHEN said.phone IS NULL THEN s.contact_email END))
        FROM application a JOIN mission m ON m.id = a.mission_id JOIN association s ON s.id = a.association_id
        LEFT JOIN person p ON p.id = (m.contact ->> 'person_id')::uuid,
        LATERAL (SELECT m.contact ->> 'phone' AS phone,
                        CASE WHEN p.id IS NULL THEN m.contact ->> 'name'
                            ELSE nullif(trim(p.given_name || ' ' || p.family_name), '') END AS name,
                        CASE WHEN p.id IS NULL THEN m.contact ->> 'email'
                            ELSE (SELECT email FROM person_email e WHERE e.person_id = p.id AND e.proved_at IS NOT NULL
                                  ORDER BY e.proved_at, e.id LIMIT 1) END AS email) said
        WHERE a.id = application
          AND a.state IN ('accepted', 'completed') AND a.employer_approval IN ('not_required', 'approved')
          AND (a.person_id = app_person() OR (app_is('system') AND a.association_id = ANY (app_associations()))));
