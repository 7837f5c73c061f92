-- The functions that cross the walls, each owned by ops, listed and tested one by one (tests/schema).

-- Whoever changes the members of an association, or its life, stands in line; an invited person may not write it.
CREATE FUNCTION lock_association(which uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT FROM association WHERE id = which FOR NO KEY UPDATE
$$;

-- The code of an invitation is all that its reader knows of it.
CREATE FUNCTION invitation_by_digest(presented bytea)
    RETURNS TABLE (id uuid, association_id uuid, email text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT id, association_id, email FROM invitation WHERE digest = presented
$$;

-- An owner is left while one of them can still sign in: by a proved address, or by their company.
CREATE FUNCTION owner_is_left(association uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN EXISTS (
        SELECT FROM association_member m WHERE m.association_id = association AND m.role = 'owner'
        AND (EXISTS (SELECT FROM person_email e WHERE e.person_id = m.person_id AND e.proved_at IS NOT NULL)
             OR EXISTS (SELECT FROM employee j WHERE j.person_id = m.person_id AND j.active)));

-- Members know each other by name and by an address of their own, never by the one their employer gave.
CREATE FUNCTION member_names(association uuid)
    RETURNS TABLE (person_id uuid, given_name text, family_name text, email text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT p.id, p.given_name, p.family_name,
           (SELECT email FROM person_email e WHERE e.person_id = p.id AND e.proved_at IS NOT NULL
            ORDER BY e.proved_at, e.id LIMIT 1)
    FROM association_member m JOIN person p ON p.id = m.person_id
    WHERE m.association_id = association AND association = ANY (app_associations())
$$;

DO $$
DECLARE
    crossing regprocedure;
BEGIN
    FOR crossing IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
                    AND proowner <> 'maillon_ops'::regrole LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO maillon_ops', crossing);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', crossing);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO maillon_app', crossing);
    END LOOP;
END
$$;
