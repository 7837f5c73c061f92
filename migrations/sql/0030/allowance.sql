-- What is left of an employee's year, below nothing where more was worked than given; null where nobody counts.
CREATE FUNCTION minutes_left(company uuid, employee uuid, of_year date) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (SELECT to_each - coalesce((SELECT reserved + used FROM allowance
                                       WHERE company_id = company AND employee_id = employee AND year = of_year), 0)
            FROM granted(company, of_year));

-- As before, and how much was left and asked, as a detail for the employee alone: an association reads no figure.
CREATE OR REPLACE FUNCTION reserve_minutes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    before reservation;
    year date;
    more integer;
    broken text;
BEGIN
    IF NEW.state NOT IN ('accepted', 'completed') THEN
        DELETE FROM reservation WHERE application_id = NEW.id;
    ELSIF NEW.state = 'accepted' THEN
        PERFORM FROM company WHERE id = NEW.company_id FOR KEY SHARE;
        SELECT * INTO before FROM reservation WHERE application_id = NEW.id;
        year := coalesce(before.year, year_of(NEW.company_id, NEW.agreed_starts_on));
        more := greatest(0, NEW.agreed_minutes - worked_minutes(NEW.id)) - coalesce(before.minutes, 0);
        INSERT INTO reservation
        VALUES (NEW.id, NEW.company_id, NEW.employee_id, year, coalesce(before.minutes, 0) + more)
        ON CONFLICT (application_id) DO UPDATE SET minutes = excluded.minutes;
        broken := exceeded(NEW.company_id, NEW.employee_id, year, 0);
        IF broken IS NOT NULL AND (OLD.state <> 'accepted' OR NEW.agreed_minutes > OLD.agreed_minutes) THEN
            RAISE EXCEPTION 'the employer gives no more minutes' USING ERRCODE = 'check_violation', CONSTRAINT = broken,
                DETAIL = CASE WHEN NEW.person_id = app_person() THEN jsonb_build_object('minutes_asked', more,
                    'minutes_left', greatest(0, more + minutes_left(NEW.company_id, NEW.employee_id, year)))::text
                    ELSE '' END;
        END IF;
    END IF;
    RETURN NULL;
END
$$;
