-- A no-show is of somebody who did not come: never before the first day, nor where the association said that they worked.
-- Whose hours it had confirmed before this rule did come.
SET LOCAL ROLE maillon_ops;
UPDATE application a SET state = 'completed'
WHERE state = 'no_show' AND EXISTS (
    SELECT FROM hours_entry WHERE application_id = a.id AND state IN ('lowered', 'confirmed', 'approved'));
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;

CREATE FUNCTION require_absence() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    IF EXISTS (SELECT FROM mission WHERE id = NEW.mission_id
               AND coalesce(NEW.agreed_starts_on, starts_on) > (maillon_now() AT TIME ZONE time_zone)::date) THEN
        RAISE EXCEPTION 'the first day has not come'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'application_no_show_after_first_day';
    ELSIF EXISTS (SELECT FROM hours_entry WHERE application_id = NEW.id
                  AND state IN ('lowered', 'confirmed', 'approved')) THEN
        RAISE EXCEPTION 'hours were confirmed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'application_no_show_unworked';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER application_no_show BEFORE UPDATE ON application FOR EACH ROW
    WHEN (OLD.state <> 'no_show' AND NEW.state = 'no_show') EXECUTE FUNCTION require_absence();

-- The application's lock keeps a no-show from being said meanwhile.
CREATE FUNCTION require_presence() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    engagement text := (SELECT state FROM application WHERE id = NEW.application_id FOR SHARE);
BEGIN
    IF engagement = 'no_show' THEN
        RAISE EXCEPTION 'nobody worked who did not come'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'hours_entry_of_who_came';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER hours_entry_of_who_came BEFORE INSERT OR UPDATE OF state ON hours_entry FOR EACH ROW
    WHEN (NEW.state IN ('lowered', 'confirmed', 'approved')) EXECUTE FUNCTION require_presence();
