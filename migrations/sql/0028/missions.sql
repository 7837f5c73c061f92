-- A draft is kept as it is written: its days are in order once it is submitted.
ALTER TABLE mission DROP CONSTRAINT mission_dates_in_order, ADD CONSTRAINT mission_dates_in_order
    CHECK (state IN ('draft', 'rejected') OR (starts_on <= ends_on AND apply_by <= ends_on));

-- Whom, what and where a mission may name: all that is not there is said at once, each by its constraint and its place.
CREATE OR REPLACE FUNCTION keep_mission_names() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    broken text[] := ARRAY(
        -- One deprecated since stays until the skills are edited. No lock: a skill is never deleted, and deprecating
        -- it beside an edit is deprecating it after.
        SELECT 'mission_skills_known:' || place FROM jsonb_array_elements(NEW.skills) WITH ORDINALITY AS each (named, place)
        WHERE NEW.skills IS DISTINCT FROM OLD.skills
            AND NOT EXISTS (SELECT FROM skill WHERE id = named ->> 'skill' AND deprecated_at IS NULL)
        UNION ALL
        SELECT 'mission_managers_are_members:' || place FROM unnest(NEW.managers) WITH ORDINALITY AS each (manager, place)
        WHERE manager <> ALL (coalesce(OLD.managers, '{}')) AND NOT EXISTS (
            SELECT FROM association_member WHERE association_id = NEW.association_id AND person_id = manager)
        UNION ALL
        SELECT 'mission_contact_is_member:1' WHERE NEW.contact ->> 'person_id' IS NOT NULL AND NOT EXISTS (
            SELECT FROM association_member
            WHERE association_id = NEW.association_id AND person_id = (NEW.contact ->> 'person_id')::uuid)
        UNION ALL
        SELECT 'mission_reserved_to_companies:' || place FROM unnest(NEW.reserved_to) WITH ORDINALITY AS each (named, place)
        WHERE NOT EXISTS (SELECT FROM company WHERE id = named)
        UNION ALL
        -- One that the list of communes has lost since stays as well.
        SELECT 'mission_postal_code_known:1' WHERE NEW.postal_code IS DISTINCT FROM OLD.postal_code
            AND NEW.postal_code IS NOT NULL AND NOT EXISTS (SELECT FROM commune WHERE postal_code = NEW.postal_code));
BEGIN
    IF broken <> '{}' THEN
        RAISE EXCEPTION 'a mission names who and what is there'
            USING ERRCODE = 'check_violation', CONSTRAINT = split_part(broken[1], ':', 1),
                  DETAIL = array_to_string(broken, ' ');
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER mission_names ON mission;
CREATE TRIGGER mission_names BEFORE INSERT OR UPDATE OF managers, reserved_to, contact, skills, postal_code ON mission
    FOR EACH ROW EXECUTE FUNCTION keep_mission_names();
