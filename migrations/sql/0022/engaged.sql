-- The day from which both the association and, on working time, the employer have agreed, in the mission's zone: set when
-- the last of them does. A longer effort that asks the employer again does not move it.
ALTER TABLE application ADD COLUMN engaged_on date;

CREATE FUNCTION engage() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    NEW.engaged_on := (SELECT (maillon_now() AT TIME ZONE time_zone)::date FROM mission WHERE id = NEW.mission_id);
    RETURN NEW;
END
$$;
CREATE TRIGGER application_engaged BEFORE UPDATE ON application FOR EACH ROW
    WHEN (NEW.engaged_on IS NULL AND NEW.state = 'accepted' AND NEW.employer_approval IN ('not_required', 'approved'))
    EXECUTE FUNCTION engage();

-- What was declared before this rule stays: such an engagement began with its first hours.
SET LOCAL ROLE maillon_ops;
UPDATE application a SET engaged_on = least(
    (event.at AT TIME ZONE m.time_zone)::date, (SELECT min(worked_on) FROM hours_entry WHERE application_id = a.id))
FROM mission m, (
    SELECT object_id, min(at) AS at FROM state_event WHERE object = 'application' AND to_state = 'accepted'
    GROUP BY object_id) event
WHERE m.id = a.mission_id AND event.object_id = a.id
    AND (a.employer_approval IN ('not_required', 'approved')
         OR EXISTS (SELECT FROM hours_entry WHERE application_id = a.id));
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;

CREATE FUNCTION require_agreed_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM application WHERE id = NEW.application_id AND engaged_on <= NEW.worked_on) THEN
        RAISE EXCEPTION 'nothing was agreed on that day'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'hours_entry_of_engagement';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER hours_entry_of_engagement BEFORE INSERT OR UPDATE OF worked_on, application_id ON hours_entry
    FOR EACH ROW EXECUTE FUNCTION require_agreed_day();
