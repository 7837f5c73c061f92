CREATE FUNCTION stamp_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := maillon_now();
    RETURN NEW;
END
$$;
CREATE TRIGGER employee_stamp BEFORE INSERT OR UPDATE ON employee FOR EACH ROW EXECUTE FUNCTION stamp_update();
CREATE TRIGGER scim_group_stamp BEFORE INSERT OR UPDATE ON scim_group FOR EACH ROW EXECUTE FUNCTION stamp_update();
CREATE TRIGGER scim_group_version BEFORE UPDATE ON scim_group FOR EACH ROW EXECUTE FUNCTION count_version();

CREATE FUNCTION write_employee_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Whom the directory has not named yet is listed by their address, or by their id.
    NEW.user_name_key := lower(coalesce(NEW.user_name, NEW.email, NEW.id::text));
    NEW.email_key := lower(NEW.email);
    RETURN NEW;
END
$$;
CREATE TRIGGER employee_keys BEFORE INSERT OR UPDATE ON employee FOR EACH ROW EXECUTE FUNCTION write_employee_keys();

-- Whoever brings somebody back, the directory or HR, takes the tombstone away; the directory may name them anew,
-- for another may bear the name by now.
CREATE OR REPLACE FUNCTION mark_departure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.deactivated_at := CASE WHEN NOT NEW.active THEN maillon_now() END;
    IF NEW.active AND OLD.deleted_at IS NOT NULL THEN
        NEW.deleted_at := NULL;
        NEW.provisioned_at := NULL;
        NEW.user_name := NULL;
    END IF;
    RETURN NEW;
END
$$;

-- The roles that allow-listed groups give, written to the employees in the transaction that changed a group, a
-- member or the list. The company's row is the queue: two changes at once would each miss the other's.
CREATE FUNCTION keep_group_roles(of_company uuid) RETURNS void LANGUAGE plpgsql
    SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM FROM company WHERE id = of_company FOR NO KEY UPDATE;
    WITH given AS (
        SELECT m.employee_id, array_agg(DISTINCT c.group_roles ->> g.display_name ORDER BY c.group_roles ->> g.display_name) AS roles
        FROM company c JOIN scim_group g ON g.company_id = c.id AND c.group_roles ? g.display_name
        JOIN scim_group_member m ON m.company_id = g.company_id AND m.group_id = g.id
        WHERE c.id = of_company GROUP BY m.employee_id
    ), concerned AS (
        SELECT employee_id AS id FROM given
        UNION SELECT id FROM employee WHERE company_id = of_company AND group_roles <> '{}'
    )
    UPDATE employee e SET group_roles = coalesce(given.roles, '{}')
    FROM concerned LEFT JOIN given ON given.employee_id = concerned.id
    WHERE e.company_id = of_company AND e.id = concerned.id AND e.group_roles <> coalesce(given.roles, '{}');
END
$$;

CREATE FUNCTION follow_members() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM keep_group_roles(company_id) FROM (SELECT DISTINCT company_id FROM changed) c;
    UPDATE scim_group SET display_name = display_name WHERE id IN (SELECT group_id FROM changed);
    RETURN NULL;
END
$$;
CREATE TRIGGER scim_group_member_comes AFTER INSERT ON scim_group_member
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION follow_members();
CREATE TRIGGER scim_group_member_goes AFTER DELETE ON scim_group_member
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION follow_members();

CREATE FUNCTION follow_group() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM keep_group_roles(NEW.company_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER scim_group_renamed AFTER UPDATE ON scim_group FOR EACH ROW
    WHEN (OLD.display_name <> NEW.display_name) EXECUTE FUNCTION follow_group();

CREATE FUNCTION follow_allow_list() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM keep_group_roles(NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER company_group_roles_change AFTER UPDATE ON company FOR EACH ROW
    WHEN (OLD.group_roles <> NEW.group_roles) EXECUTE FUNCTION follow_allow_list();

-- Which company's directory it is, while its token lives; the last use is written at most once a minute.
CREATE FUNCTION company_by_scim_token(presented bytea, at timestamptz) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE scim_token t SET last_used_at = at
    WHERE t.digest = presented AND t.revoked_at IS NULL AND t.expires_at > at
      AND (t.last_used_at IS NULL OR t.last_used_at < at - interval '1 minute');
    RETURN (SELECT company_id FROM scim_token t
            WHERE t.digest = presented AND t.revoked_at IS NULL AND t.expires_at > at);
END
$$;

CREATE TRIGGER scim_token_audit AFTER INSERT OR UPDATE OR DELETE ON scim_token FOR EACH ROW
    EXECUTE FUNCTION record_audit('scim_token', '{expires_at,revoked_at}');
CREATE TRIGGER scim_group_audit AFTER INSERT OR UPDATE OR DELETE ON scim_group FOR EACH ROW
    EXECUTE FUNCTION record_audit('scim_group', '{}');
CREATE TRIGGER scim_group_member_audit AFTER INSERT OR DELETE ON scim_group_member FOR EACH ROW
    EXECUTE FUNCTION record_audit('scim_group_member', '{group_id,employee_id}');
