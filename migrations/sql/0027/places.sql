-- Whom, what and where a mission may name: all that is not there is said at once.
CREATE OR REPLACE FUNCTION keep_mission_names() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    broken text[] := array_remove(ARRAY[
        -- One deprecated since stays until the skills are edited. No lock: a skill is never deleted, and deprecating
        -- it beside an edit is deprecating it after.
        CASE WHEN NEW.skills IS DISTINCT FROM OLD.skills AND EXISTS (
            SELECT FROM jsonb_array_elements(NEW.skills) named
            WHERE NOT EXISTS (SELECT FROM skill WHERE id = named ->> 'skill' AND deprecated_at IS NULL))
            THEN 'mission_skills_known' END,
        CASE WHEN EXISTS (SELECT unnest(NEW.managers) EXCEPT SELECT unnest(OLD.managers)
            EXCEPT SELECT person_id FROM association_member WHERE association_id = NEW.association_id)
            THEN 'mission_managers_are_members' END,
        CASE WHEN NEW.contact ->> 'person_id' IS NOT NULL AND NOT EXISTS (
            SELECT FROM association_member
            WHERE association_id = NEW.association_id AND person_id = (NEW.contact ->> 'person_id')::uuid)
            THEN 'mission_contact_is_member' END,
        CASE WHEN EXISTS (SELECT unnest(NEW.reserved_to) EXCEPT SELECT id FROM company)
            THEN 'mission_reserved_to_companies' END,
        -- One that the list of communes has lost since stays as well.
        CASE WHEN NEW.postal_code IS DISTINCT FROM OLD.postal_code AND NEW.postal_code IS NOT NULL
            AND NOT EXISTS (SELECT FROM commune WHERE postal_code = NEW.postal_code)
            THEN 'mission_postal_code_known' END], NULL);
BEGIN
    IF broken <> '{}' THEN
        RAISE EXCEPTION 'a mission names who and what is there'
            USING ERRCODE = 'check_violation', CONSTRAINT = broken[1], DETAIL = array_to_string(broken, ' ');
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER mission_names ON mission;
CREATE TRIGGER mission_names BEFORE INSERT OR UPDATE OF managers, reserved_to, contact, skills, postal_code ON mission
    FOR EACH ROW EXECUTE FUNCTION keep_mission_names();

-- An association gets its mail by a postcode of some département: a CEDEX too, which is no commune's.
CREATE FUNCTION require_postal_code() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.postal_code IS DISTINCT FROM OLD.postal_code AND NOT EXISTS (
        SELECT FROM commune, left(NEW.postal_code, 2) stem
        WHERE commune.postal_code BETWEEN stem || '000' AND stem || '999') THEN
        RAISE EXCEPTION 'an association has a French postcode'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'association_postal_code_known';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER association_place BEFORE INSERT OR UPDATE OF postal_code ON association FOR EACH ROW
    EXECUTE FUNCTION require_postal_code();
