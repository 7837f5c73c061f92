-- The functions that cross the walls, each owned by ops, listed and tested one by one (tests/schema).

CREATE FUNCTION actor_of(who uuid)
    RETURNS TABLE (person_id uuid, language text, platform_roles text[], company_id uuid, employee_id uuid,
                   employee_roles text[], memberships jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT p.id, p.language,
           ARRAY(SELECT role FROM platform_role WHERE person_id = p.id),
           e.company_id, e.id, e.roles,
           (SELECT coalesce(jsonb_object_agg(am.association_id, am.role), '{}')
            FROM association_member am JOIN association a ON a.id = am.association_id
            WHERE am.person_id = p.id AND a.state <> 'closed')
    FROM person p LEFT JOIN employee e ON e.person_id = p.id AND e.active
    WHERE p.id = who
$$;

CREATE FUNCTION actor_by_session(presented bytea, at timestamptz)
    RETURNS TABLE (person_id uuid, language text, platform_roles text[], company_id uuid, employee_id uuid,
                   employee_roles text[], memberships jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT a.* FROM session s, actor_of(s.person_id) a WHERE s.digest = presented AND s.expires_at > at
$$;

-- A token of a company opens only what came through that company: an employee no longer active finds nothing.
CREATE FUNCTION actor_by_identity(token_company uuid, token_issuer text, token_subject text)
    RETURNS TABLE (person_id uuid, language text, platform_roles text[], company_id uuid, employee_id uuid,
                   employee_roles text[], memberships jsonb, known boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT a.*, true FROM identity i, actor_of(i.person_id) a
    WHERE i.company_id = token_company AND i.issuer = token_issuer AND i.subject = token_subject
$$;

CREATE FUNCTION providers_of(token_issuer text)
    RETURNS TABLE (company_id uuid, audience text, jwks_url text, role_claim jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT company_id, audience, jwks_url, role_claim FROM identity_provider WHERE issuer = token_issuer
$$;

CREATE FUNCTION person_by_email(address text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (SELECT person_id FROM person_email WHERE email = lower(address));

-- How long the oldest fact has waited for the relay, in seconds.
CREATE FUNCTION relay_lag() RETURNS double precision
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(recorded_at)), 0)
            FROM outbox WHERE relayed_at IS NULL);

-- Lock order is mission before application; an applicant may not update the mission, and needs its lock.
CREATE FUNCTION lock_mission(which uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT FROM mission WHERE id = which FOR NO KEY UPDATE
$$;

-- Where a person is written to: an address of their own comes before the one their employer gave.
CREATE FUNCTION contacts_of(people uuid[])
    RETURNS TABLE (person_id uuid, language text, given_name text, email text, at_work boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT p.id, p.language, p.given_name, coalesce(own.email, e.email), own.email IS NULL
    FROM person p
    LEFT JOIN LATERAL (SELECT email FROM person_email WHERE person_id = p.id AND proved_at IS NOT NULL
                       ORDER BY proved_at, id LIMIT 1) own ON true
    LEFT JOIN employee e ON e.person_id = p.id AND e.active
    WHERE p.id = ANY (people)
$$;

-- What the association's confirmation must know of the employer's policy, and nothing else of it.
CREATE FUNCTION hours_approval_of(company uuid, day date) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (SELECT hours_approval FROM policy WHERE company_id = company AND effective_from <= day
            ORDER BY effective_from DESC LIMIT 1);

-- A report of an instant waits for postings under way and holds back new ones: none lands behind the instant given.
CREATE FUNCTION settle_ledger(company uuid) RETURNS timestamptz
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM FROM ledger_head WHERE company_id = company FOR SHARE;
    RETURN maillon_now();
END
$$;

DO $$
DECLARE
    crossing regprocedure;
BEGIN
    FOR crossing IN SELECT oid::regprocedure FROM pg_proc
                    WHERE pronamespace = 'public'::regnamespace AND prosecdef LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO maillon_ops', crossing);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', crossing);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO maillon_app', crossing);
    END LOOP;
END
$$;
