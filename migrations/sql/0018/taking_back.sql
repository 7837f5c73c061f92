-- An employer takes its word back until the first day, and only while nothing was worked on it. The mission's lock, and
-- the application's that hours take too, keep both from moving meanwhile.
CREATE FUNCTION require_unbegun() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    IF EXISTS (SELECT FROM mission WHERE id = NEW.mission_id
               AND coalesce(NEW.agreed_starts_on, starts_on) <= (maillon_now() AT TIME ZONE time_zone)::date) THEN
        RAISE EXCEPTION 'the first day has come'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'application_taken_back_in_time';
    ELSIF EXISTS (SELECT FROM hours_entry WHERE application_id = NEW.id
                  AND state IN ('lowered', 'confirmed', 'approved')) THEN
        RAISE EXCEPTION 'hours were confirmed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'application_taken_back_unworked';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER application_taken_back BEFORE UPDATE ON application FOR EACH ROW
    WHEN (OLD.employer_approval = 'approved' AND NEW.employer_approval = 'refused') EXECUTE FUNCTION require_unbegun();
