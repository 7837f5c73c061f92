-- A company's years begin otherwise from the first day of such a year on, or before anybody took minutes of the present
-- one: else the same months would be given twice. Whoever takes minutes holds the company's row meanwhile.
CREATE FUNCTION keep_the_year() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    taken boolean := false;
BEGIN
    IF NEW.year_starts NOT IN (to_char(NEW.effective_from, 'MM-DD'), (
            SELECT year_starts FROM policy WHERE company_id = NEW.company_id AND effective_from <= NEW.effective_from
            ORDER BY effective_from DESC LIMIT 1)) THEN
        PERFORM FROM company WHERE id = NEW.company_id FOR UPDATE;
        taken := EXISTS (SELECT FROM allowance WHERE company_id = NEW.company_id AND reserved + used > 0
                         AND year = year_of(NEW.company_id, NEW.effective_from));
    END IF;
    IF taken OR EXISTS (SELECT FROM (SELECT effective_from, year_starts FROM policy
                                     WHERE company_id = NEW.company_id AND effective_from > NEW.effective_from
                                     ORDER BY effective_from LIMIT 1) next
                        WHERE next.year_starts NOT IN (NEW.year_starts, to_char(next.effective_from, 'MM-DD'))) THEN
        RAISE EXCEPTION 'the year has begun'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_year_is_whole';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER policy_year_is_whole BEFORE INSERT OR UPDATE ON policy FOR EACH ROW EXECUTE FUNCTION keep_the_year();

CREATE OR REPLACE FUNCTION count_in_year() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM FROM company WHERE id = NEW.company_id FOR KEY SHARE;
    NEW.counted_in := year_of(NEW.company_id, NEW.worked_on);
    RETURN NEW;
END
$$;
CREATE OR REPLACE FUNCTION reserve_minutes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    year date := (SELECT r.year FROM reservation r WHERE r.application_id = NEW.id);
    broken text;
BEGIN
    IF NEW.state NOT IN ('accepted', 'completed') THEN
        DELETE FROM reservation WHERE application_id = NEW.id;
    ELSIF NEW.state = 'accepted' THEN
        PERFORM FROM company WHERE id = NEW.company_id FOR KEY SHARE;
        year := coalesce(year, year_of(NEW.company_id, NEW.agreed_starts_on));
        INSERT INTO reservation
        VALUES (NEW.id, NEW.company_id, NEW.employee_id, year, greatest(0, NEW.agreed_minutes - worked_minutes(NEW.id)))
        ON CONFLICT (application_id) DO UPDATE SET minutes = excluded.minutes;
        broken := exceeded(NEW.company_id, NEW.employee_id, year, 0);
        IF broken IS NOT NULL AND (OLD.state <> 'accepted' OR NEW.agreed_minutes > OLD.agreed_minutes) THEN
            RAISE EXCEPTION 'the employer gives no more minutes' USING ERRCODE = 'check_violation', CONSTRAINT = broken;
        END IF;
    END IF;
    RETURN NULL;
END
$$;
