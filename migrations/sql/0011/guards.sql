-- A mission names skills of the list that are in use when it names them. One deprecated since stays until the skills
-- are edited. No lock: a skill is never deleted, and deprecating it beside an edit is deprecating it after.
CREATE FUNCTION require_known_skills() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.skills IS DISTINCT FROM OLD.skills AND EXISTS (
        SELECT FROM jsonb_array_elements(NEW.skills) named
        WHERE NOT EXISTS (SELECT FROM skill WHERE id = named ->> 'skill' AND deprecated_at IS NULL)) THEN
        RAISE EXCEPTION 'a mission names skills of the list'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'mission_skills_known';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER mission_skills_known AFTER INSERT OR UPDATE OF skills ON mission
    FOR EACH ROW EXECUTE FUNCTION require_known_skills();
