-- The last day of an engagement, in the mission's zone: set when it ends, however it does.
ALTER TABLE application ADD COLUMN engaged_until date;

CREATE FUNCTION disengage() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    NEW.engaged_until := (SELECT (maillon_now() AT TIME ZONE time_zone)::date FROM mission WHERE id = NEW.mission_id);
    RETURN NEW;
END
$$;
CREATE TRIGGER application_disengaged BEFORE UPDATE ON application FOR EACH ROW
    WHEN (OLD.engaged_on IS NOT NULL AND NEW.engaged_until IS NULL AND is_live(NEW.state) = 0)
    EXECUTE FUNCTION disengage();

-- What was declared before this rule stays: such an engagement ended with its last hours.
SET LOCAL ROLE maillon_ops;
UPDATE application a SET engaged_until = greatest(
    (a.ended_at AT TIME ZONE m.time_zone)::date, (SELECT max(worked_on) FROM hours_entry WHERE application_id = a.id))
FROM mission m WHERE m.id = a.mission_id AND a.engaged_on IS NOT NULL AND is_live(a.state) = 0;
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;

CREATE FUNCTION require_day_before_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM application WHERE id = NEW.application_id AND engaged_until < NEW.worked_on) THEN
        RAISE EXCEPTION 'the engagement had ended on that day'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'hours_entry_before_end';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER hours_entry_before_end BEFORE INSERT OR UPDATE OF worked_on, application_id ON hours_entry
    FOR EACH ROW EXECUTE FUNCTION require_day_before_end();
