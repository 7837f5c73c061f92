-- Rows of the erased take nothing that names somebody, whoever writes them: HR, a directory, a request under way.
-- Columns are named as text, so that one which a later table lacks, or gains, changes nothing here.
CREATE FUNCTION stay_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW := jsonb_populate_record(NEW, TG_ARGV[0]::jsonb);
    RETURN NEW;
END
$$;
CREATE TRIGGER person_blank BEFORE INSERT OR UPDATE ON person FOR EACH ROW WHEN (NEW.erased_at IS NOT NULL)
    EXECUTE FUNCTION stay_erased('{"given_name": "", "family_name": "", "language": "fr", "time_zone": "Europe/Paris",
        "seen_at": null, "warned_at": null}');
CREATE TRIGGER employee_blank BEFORE INSERT OR UPDATE ON employee FOR EACH ROW WHEN (NEW.erased_at IS NOT NULL)
    EXECUTE FUNCTION stay_erased('{"given_name": "", "family_name": "", "email": null, "external_id": null,
        "user_name": null, "employee_number": null, "preferred_language": null, "manager_id": null,
        "roles": ["employee"], "group_roles": []}');

-- Nothing is hung on the erased. The lock is the one a foreign key takes: whoever comes while somebody is being
-- erased waits for the end, and is then refused.
CREATE FUNCTION require_living_person() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM FROM person WHERE id = NEW.person_id AND erased_at IS NULL FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the person was erased'
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_of_living_person';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER person_email_of_living_person BEFORE INSERT ON person_email FOR EACH ROW
    EXECUTE FUNCTION require_living_person();
CREATE TRIGGER identity_of_living_person BEFORE INSERT ON identity FOR EACH ROW
    EXECUTE FUNCTION require_living_person();
CREATE TRIGGER session_of_living_person BEFORE INSERT ON session FOR EACH ROW
    EXECUTE FUNCTION require_living_person();
CREATE TRIGGER platform_role_of_living_person BEFORE INSERT ON platform_role FOR EACH ROW
    EXECUTE FUNCTION require_living_person();
CREATE TRIGGER association_member_of_living_person BEFORE INSERT ON association_member FOR EACH ROW
    EXECUTE FUNCTION require_living_person();
CREATE TRIGGER employee_of_living_person BEFORE INSERT OR UPDATE OF person_id ON employee FOR EACH ROW
    EXECUTE FUNCTION require_living_person();
CREATE TRIGGER notification_of_living_person BEFORE INSERT ON notification FOR EACH ROW
    EXECUTE FUNCTION require_living_person();
CREATE TRIGGER mail_of_living_person BEFORE INSERT ON mail FOR EACH ROW
    WHEN (NEW.person_id IS NOT NULL) EXECUTE FUNCTION require_living_person();
CREATE TRIGGER magic_link_of_living_person BEFORE INSERT ON magic_link FOR EACH ROW
    WHEN (NEW.person_id IS NOT NULL) EXECUTE FUNCTION require_living_person();
CREATE TRIGGER login_of_living_person BEFORE INSERT ON login FOR EACH ROW
    WHEN (NEW.person_id IS NOT NULL) EXECUTE FUNCTION require_living_person();
CREATE TRIGGER export_of_living_person BEFORE INSERT ON export FOR EACH ROW
    EXECUTE FUNCTION require_living_person();

-- Whoever signs in is not inactive any more.
CREATE FUNCTION mark_seen() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE person SET (seen_at, warned_at) = (maillon_now(), NULL)
    WHERE id = NEW.person_id AND (warned_at IS NOT NULL OR coalesce(seen_at, '-infinity') < maillon_now() - interval '1 day');
    RETURN NULL;
END
$$;
CREATE TRIGGER session_is_seen AFTER INSERT ON session FOR EACH ROW EXECUTE FUNCTION mark_seen();

-- How somebody was named, kept as a digest of the company and the name: a name is no secret, but a list of them is.
CREATE FUNCTION tombstone_digest(VARIADIC name text[]) RETURNS bytea LANGUAGE sql IMMUTABLE
    RETURN sha256(convert_to(to_jsonb(name)::text, 'UTF8'));

-- No directory makes anew an employee whom it lost to an erasure, whatever it calls the act.
CREATE FUNCTION refuse_erased_name() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    IF EXISTS (
        SELECT FROM jsonb_each_text(to_jsonb(NEW)) named
        JOIN tombstone t ON t.company_id = NEW.company_id AND t.employee_id <> NEW.id
            AND t.digest = tombstone_digest(named.key, NEW.company_id::text, named.value)
        JOIN employee e ON e.id = t.employee_id AND e.erased_at IS NOT NULL
        WHERE named.key IN ('external_id', 'user_name')
    ) THEN
        RAISE EXCEPTION 'this name was that of somebody who was erased'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'employee_was_erased';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER employee_was_erased BEFORE INSERT OR UPDATE ON employee FOR EACH ROW
    WHEN (NEW.erased_at IS NULL) EXECUTE FUNCTION refuse_erased_name();

CREATE FUNCTION keep_past_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF least(OLD.effective_from, NEW.effective_from) <= (maillon_now() AT TIME ZONE 'UTC')::date THEN
        RAISE EXCEPTION 'a rule applies from tomorrow on, at the earliest'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'retention_rule_is_of_the_future';
    END IF;
    RETURN coalesce(NEW, OLD);
END
$$;
CREATE TRIGGER retention_rule_is_of_the_future BEFORE INSERT OR UPDATE OR DELETE ON retention_rule FOR EACH ROW
    EXECUTE FUNCTION keep_past_rules();
