CREATE FUNCTION mark_departure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.deactivated_at := CASE WHEN NOT NEW.active THEN maillon_now() END;
    RETURN NEW;
END
$$;
CREATE TRIGGER employee_departs BEFORE UPDATE ON employee FOR EACH ROW
    WHEN (OLD.active <> NEW.active) EXECUTE FUNCTION mark_departure();

-- What a leaver began before the reply of their deactivation is done before it, or refused: both want the
-- employee's row, which deactivation locks first.
CREATE FUNCTION require_active_employee() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM FROM employee WHERE id = NEW.employee_id AND active FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the employee is not active any more'
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_of_active_employee';
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION require_active_job() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM FROM employee WHERE company_id = NEW.company_id AND person_id = NEW.person_id AND active
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the person does not work there any more'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'session_of_active_employee';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER session_of_active_employee BEFORE INSERT ON session FOR EACH ROW
    WHEN (NEW.company_id IS NOT NULL) EXECUTE FUNCTION require_active_job();
CREATE TRIGGER application_of_active_employee BEFORE INSERT ON application FOR EACH ROW
    EXECUTE FUNCTION require_active_employee();
CREATE TRIGGER hours_entry_of_active_employee BEFORE INSERT ON hours_entry FOR EACH ROW
    EXECUTE FUNCTION require_active_employee();

-- Roles given by hand and by the company's groups count alike.
CREATE OR REPLACE FUNCTION actor_of(who uuid)
    RETURNS TABLE (person_id uuid, language text, platform_roles text[], company_id uuid, employee_id uuid,
                   employee_roles text[], memberships jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT p.id, p.language,
           ARRAY(SELECT role FROM platform_role WHERE person_id = p.id),
           e.company_id, e.id, e.roles || e.group_roles,
           (SELECT coalesce(jsonb_object_agg(am.association_id, am.role), '{}')
            FROM association_member am JOIN association a ON a.id = am.association_id
            WHERE am.person_id = p.id AND a.state <> 'closed')
    FROM person p LEFT JOIN employee e ON e.person_id = p.id AND e.active
    WHERE p.id = who
$$;

-- A session that came through a company lives as long as the job there.
CREATE OR REPLACE FUNCTION actor_by_session(presented bytea, at timestamptz)
    RETURNS TABLE (person_id uuid, language text, platform_roles text[], company_id uuid, employee_id uuid,
                   employee_roles text[], memberships jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT a.person_id, a.language, a.platform_roles, a.company_id, a.employee_id, a.employee_roles || s.roles,
           a.memberships
    FROM session s, actor_of(s.person_id) a
    WHERE s.digest = presented AND s.expires_at > at AND (s.company_id IS NULL OR s.company_id = a.company_id)
$$;

DROP FUNCTION providers_of(text);
CREATE FUNCTION providers_of(token_issuer text)
    RETURNS TABLE (company_id uuid, audience text, jwks_url text, role_claim jsonb, employee_key jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT company_id, audience, jwks_url, role_claim, employee_key FROM identity_provider
    WHERE issuer = token_issuer
$$;

-- Where a person of a company signs in, before there are walls.
CREATE FUNCTION login_of_company(company_slug text)
    RETURNS TABLE (provider_id uuid, company_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT i.id, i.company_id FROM company c JOIN identity_provider i ON i.company_id = c.id
    WHERE c.slug = company_slug AND i.client_id IS NOT NULL ORDER BY i.id
$$;

-- Whose intranet a page is of.
CREATE FUNCTION companies_of_origin(page_origin text) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN ARRAY(SELECT id FROM company WHERE origins @> ARRAY[page_origin]);

-- Which employer gave a person an address: a session opened by it came through that company.
CREATE FUNCTION company_of_address(who uuid, address text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (SELECT company_id FROM employee WHERE person_id = who AND active AND lower(email) = lower(address));

-- Whether anything hangs on a person but the directory's record they were made with.
CREATE FUNCTION person_in_use(who uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN EXISTS (SELECT FROM identity WHERE person_id = who)
        OR EXISTS (SELECT FROM person_email WHERE person_id = who)
        OR EXISTS (SELECT FROM session WHERE person_id = who)
        OR EXISTS (SELECT FROM platform_role WHERE person_id = who)
        OR EXISTS (SELECT FROM association_member WHERE person_id = who)
        OR EXISTS (SELECT FROM application WHERE person_id = who)
        OR (SELECT count(*) FROM employee WHERE person_id = who) <> 1;

-- Lock order is employee before mission, and an employee may not write their own row.
CREATE FUNCTION lock_employee(which uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT FROM employee WHERE id = which FOR NO KEY UPDATE
$$;
