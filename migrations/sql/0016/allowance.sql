-- How much working time an employer gives: so many minutes a year to each employee, and to all of them together.
-- Minutes are reserved with the place, settled by the hours declared, and never promised twice.

ALTER TABLE policy
    ADD COLUMN yearly_minutes integer,
    ADD COLUMN budget_minutes integer,
    ADD COLUMN day_minutes integer NOT NULL DEFAULT 420,
    ADD COLUMN year_starts text NOT NULL DEFAULT '01-01',
    ADD CONSTRAINT policy_minutes_not_negative CHECK (yearly_minutes >= 0 AND budget_minutes >= 0),
    ADD CONSTRAINT policy_day_minutes_bounded CHECK (day_minutes BETWEEN 60 AND 1440),
    -- A day that every month has.
    ADD CONSTRAINT policy_year_starts_on_a_day CHECK (year_starts ~ '^(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$');
DROP TRIGGER policy_audit ON policy;
CREATE TRIGGER policy_audit AFTER INSERT OR UPDATE OR DELETE ON policy FOR EACH ROW
    EXECUTE FUNCTION record_audit('policy',
        '{effective_from,regimes,legal_form,approval,approval_days,approval_silence,hours_approval,just_in_time,formats,causes,associations,yearly_minutes,budget_minutes,day_minutes,year_starts}');

-- What an engagement may still take, in the year of its first day.
CREATE TABLE reservation (
    application_id uuid PRIMARY KEY REFERENCES application,
    company_id uuid NOT NULL,
    employee_id uuid NOT NULL,
    year date NOT NULL,
    minutes integer NOT NULL,
    CONSTRAINT reservation_not_negative CHECK (minutes >= 0)
);
-- What is reserved and used of an employee's year; without an employee, of the whole company's. These rows are the
-- lock that lines up whoever takes minutes at the same moment.
CREATE TABLE allowance (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    employee_id uuid,
    year date NOT NULL,
    reserved bigint NOT NULL,
    used bigint NOT NULL,
    CONSTRAINT allowance_of_a_year UNIQUE NULLS NOT DISTINCT (company_id, employee_id, year),
    CONSTRAINT allowance_not_negative CHECK (reserved >= 0 AND used >= 0)
);
ALTER TABLE reservation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE allowance ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY reservation_of_company ON reservation
    USING (company_id = app_company() AND (employee_id = app_employee() OR app_is('hr', 'system')));
CREATE POLICY allowance_of_company ON allowance FOR SELECT
    USING (company_id = app_company() AND (employee_id = app_employee() OR app_is('hr', 'system')));
GRANT SELECT, DELETE ON reservation TO maillon_app;
GRANT SELECT ON allowance TO maillon_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON reservation, allowance TO maillon_ops;

-- In which of a company's years a day lies, by the first day of that year.
CREATE FUNCTION year_of(company uuid, day date) RETURNS date
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT to_date((extract(year FROM day)::int - (to_char(day, 'MM-DD') < year_starts)::int)::text || '-' || year_starts,
                   'YYYY-MM-DD')
    FROM policy WHERE company_id = company
    ORDER BY effective_from <= day DESC, CASE WHEN effective_from <= day THEN effective_from END DESC, effective_from
    LIMIT 1
$$;

-- The policy that a year is measured by: today's, within the year.
CREATE FUNCTION granted(of_company uuid, of_year date, OUT to_each integer, OUT to_all integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT yearly_minutes, budget_minutes
    FROM policy p, (SELECT greatest(of_year, least((maillon_now() AT TIME ZONE time_zone)::date,
                           (of_year + interval '1 year')::date - 1)) AS day FROM company WHERE id = of_company) asked
    WHERE p.company_id = of_company
    ORDER BY effective_from <= day DESC, CASE WHEN effective_from <= day THEN effective_from END DESC, effective_from
    LIMIT 1
$$;

-- Which limit so many minutes more would exceed, null for none.
CREATE FUNCTION exceeded(company uuid, employee uuid, of_year date, more integer) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (
        SELECT CASE WHEN each_takes + more > to_each THEN 'allowance_not_exceeded'
                    WHEN all_take + more > to_all THEN 'budget_not_exceeded' END
        FROM granted(company, of_year),
             (SELECT coalesce(sum(reserved + used) FILTER (WHERE employee_id = employee), 0) AS each_takes,
                     coalesce(sum(reserved + used) FILTER (WHERE employee_id IS NULL), 0) AS all_take
              FROM allowance WHERE company_id = company AND year = of_year
                  AND (employee_id = employee OR employee_id IS NULL)) taken);

CREATE FUNCTION is_worked(state text) RETURNS integer LANGUAGE sql IMMUTABLE
    RETURN (state NOT IN ('rejected', 'cancelled', 'reversed'))::integer;
CREATE FUNCTION worked_minutes(application uuid) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (SELECT coalesce(sum(minutes), 0) FROM hours_entry WHERE application_id = application AND is_worked(state) = 1);

-- The company's row before the employee's, for everybody.
CREATE FUNCTION count_minutes(company uuid, employee uuid, of_year date, reserving bigint, working bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    INSERT INTO allowance AS a (id, company_id, employee_id, year, reserved, used)
    -- What is given back was taken once: the rows are there, though their constraints judge what is proposed.
    VALUES (uuidv7(), company, NULL, of_year, greatest(0, reserving), greatest(0, working)),
           (uuidv7(), company, employee, of_year, greatest(0, reserving), greatest(0, working))
    ON CONFLICT ON CONSTRAINT allowance_of_a_year
    DO UPDATE SET reserved = a.reserved + reserving, used = a.used + working
$$;
CREATE FUNCTION count_reservation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    it reservation := coalesce(NEW, OLD);
BEGIN
    PERFORM count_minutes(it.company_id, it.employee_id, it.year,
                          coalesce(NEW.minutes, 0) - coalesce(OLD.minutes, 0), 0);
    RETURN NULL;
END
$$;

CREATE FUNCTION reserve_minutes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    year date := (SELECT r.year FROM reservation r WHERE r.application_id = NEW.id);
    broken text;
BEGIN
    IF NEW.state NOT IN ('accepted', 'completed') THEN
        DELETE FROM reservation WHERE application_id = NEW.id;
    ELSIF NEW.state = 'accepted' THEN
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

ALTER TABLE hours_entry ADD COLUMN counted_in date;
CREATE FUNCTION count_in_year() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.counted_in := year_of(NEW.company_id, NEW.worked_on);
    RETURN NEW;
END
$$;
CREATE FUNCTION settle_minutes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM count_minutes(OLD.company_id, OLD.employee_id, OLD.counted_in, 0, -is_worked(OLD.state) * OLD.minutes);
    END IF;
    PERFORM count_minutes(NEW.company_id, NEW.employee_id, NEW.counted_in, 0, is_worked(NEW.state) * NEW.minutes);
    UPDATE reservation r SET minutes = CASE a.state WHEN 'accepted' THEN rest ELSE least(rest, r.minutes) END
    FROM application a, LATERAL (SELECT greatest(0, a.agreed_minutes - worked_minutes(a.id)) AS rest) AS each
    WHERE a.id = NEW.application_id AND r.application_id = a.id;
    RETURN NULL;
END
$$;

SET LOCAL ROLE maillon_ops;
UPDATE hours_entry SET counted_in = year_of(company_id, worked_on) WHERE regime = 'working_time';
INSERT INTO reservation
SELECT id, company_id, employee_id, year_of(company_id, agreed_starts_on), greatest(0, agreed_minutes - worked_minutes(id))
FROM application WHERE regime = 'working_time' AND state = 'accepted';
INSERT INTO allowance
SELECT uuidv7(), company_id, employee_id, year, sum(reserved), sum(used) FROM (
    SELECT company_id, employee_id, year, minutes, 0 FROM reservation
    UNION ALL
    SELECT company_id, employee_id, counted_in, 0, minutes FROM hours_entry
    WHERE regime = 'working_time' AND is_worked(state) = 1) AS each (company_id, employee_id, year, reserved, used)
GROUP BY GROUPING SETS ((company_id, year), (company_id, employee_id, year));
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE hours_entry ADD CONSTRAINT hours_entry_counts_in_a_year
    CHECK (regime = 'personal_time' OR counted_in IS NOT NULL);

CREATE TRIGGER reservation_counted AFTER INSERT OR UPDATE OR DELETE ON reservation FOR EACH ROW
    EXECUTE FUNCTION count_reservation();
CREATE TRIGGER application_reserves AFTER UPDATE ON application FOR EACH ROW
    WHEN (NEW.regime = 'working_time'
          AND (OLD.state, OLD.agreed_minutes) IS DISTINCT FROM (NEW.state, NEW.agreed_minutes)
          AND (NEW.state = 'accepted' OR OLD.state IN ('accepted', 'completed')))
    EXECUTE FUNCTION reserve_minutes();
CREATE TRIGGER hours_entry_in_year BEFORE INSERT OR UPDATE OF worked_on ON hours_entry FOR EACH ROW
    WHEN (NEW.regime = 'working_time') EXECUTE FUNCTION count_in_year();
CREATE TRIGGER hours_entry_takes AFTER INSERT ON hours_entry FOR EACH ROW
    WHEN (NEW.regime = 'working_time') EXECUTE FUNCTION settle_minutes();
CREATE TRIGGER hours_entry_settles AFTER UPDATE ON hours_entry FOR EACH ROW
    WHEN (NEW.regime = 'working_time' AND (is_worked(OLD.state), OLD.minutes, OLD.counted_in)
                                           IS DISTINCT FROM (is_worked(NEW.state), NEW.minutes, NEW.counted_in))
    EXECUTE FUNCTION settle_minutes();
