-- How long an effort the employer was last asked for, and the longest that it agreed to: it is bound to nothing longer,
-- and asked about nothing shorter.
ALTER TABLE application ADD COLUMN asked_minutes integer, ADD COLUMN approved_minutes integer;

-- Nobody is asked who does not work there any more, nor about themselves: HR answers then.
CREATE FUNCTION manager_of(employee uuid) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (SELECT boss.id FROM employee e JOIN employee boss ON boss.id = e.manager_id
            WHERE e.id = employee AND boss.active AND boss.id <> e.id);

CREATE FUNCTION ask_employer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    NEW.asked_minutes := (SELECT effort_minutes FROM mission WHERE id = NEW.mission_id);
    NEW.approved_minutes := CASE NEW.employer_approval WHEN 'approved' THEN NEW.asked_minutes END;
    RETURN NEW;
END
$$;
CREATE TRIGGER application_asked BEFORE INSERT ON application FOR EACH ROW
    WHEN (NEW.regime = 'working_time') EXECUTE FUNCTION ask_employer();

-- By the policy of that day, as when somebody applies: what it leaves to nobody is agreed to.
CREATE OR REPLACE FUNCTION ask_again() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    rules record;
BEGIN
    SELECT p.approval, least(maillon_now() + make_interval(days => p.approval_days),
               CASE WHEN first > maillon_now() THEN first END) AS due,
           CASE NEW.state WHEN 'accepted' THEN NEW.agreed_minutes ELSE m.effort_minutes END AS effort
    INTO STRICT rules
    FROM company c, policy p, mission m, LATERAL (
        SELECT (CASE NEW.state WHEN 'accepted' THEN NEW.agreed_starts_on ELSE m.starts_on END)::timestamp
               AT TIME ZONE m.time_zone AS first) day
    WHERE c.id = NEW.company_id AND p.company_id = c.id AND m.id = NEW.mission_id
      AND p.effective_from <= (maillon_now() AT TIME ZONE c.time_zone)::date
    ORDER BY p.effective_from DESC LIMIT 1;
    NEW.asked_minutes := rules.effort;
    IF rules.approval = 'automatic' THEN
        NEW.employer_approval := 'approved';
        NEW.approved_minutes := rules.effort;
    ELSE
        NEW.employer_approval := 'pending';
        -- Never the same instant twice: by it, whoever writes sees that the employer was asked.
        NEW.approval_asked_at := greatest(maillon_now(), OLD.approval_asked_at + interval '1 microsecond');
        NEW.approval_due_at := rules.due;
        NEW.manager_id := CASE rules.approval WHEN 'manager' THEN manager_of(NEW.employee_id) END;
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER application_asks_again ON application;
CREATE TRIGGER application_asks_again BEFORE UPDATE ON application FOR EACH ROW
    WHEN (NEW.regime = 'working_time' AND NEW.state = 'accepted'
          AND (OLD.state, OLD.agreed_minutes) IS DISTINCT FROM (NEW.state, NEW.agreed_minutes)
          AND NEW.agreed_minutes > CASE NEW.employer_approval WHEN 'pending' THEN NEW.asked_minutes
                                                              ELSE NEW.approved_minutes END)
    EXECUTE FUNCTION ask_again();

CREATE FUNCTION keep_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.employer_approval := 'approved';
    RETURN NEW;
END
$$;
CREATE TRIGGER application_agreed_before BEFORE UPDATE ON application FOR EACH ROW
    WHEN (NEW.state = 'accepted' AND NEW.employer_approval = 'pending' AND NEW.agreed_minutes <= NEW.approved_minutes)
    EXECUTE FUNCTION keep_word();

CREATE FUNCTION note_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.approved_minutes := greatest(NEW.approved_minutes, CASE
        WHEN NEW.state IN ('accepted', 'completed', 'no_show') THEN NEW.agreed_minutes ELSE NEW.asked_minutes END);
    RETURN NEW;
END
$$;
CREATE TRIGGER application_approved BEFORE UPDATE ON application FOR EACH ROW
    WHEN (OLD.employer_approval <> 'approved' AND NEW.employer_approval = 'approved')
    EXECUTE FUNCTION note_approval();

-- Who was asked again about an engagement that had begun had agreed to what held before: the terms before the last.
SET LOCAL ROLE maillon_ops;
UPDATE application a SET asked_minutes = coalesce(a.agreed_minutes, m.effort_minutes)
FROM mission m WHERE m.id = a.mission_id AND a.regime = 'working_time';
UPDATE application SET approved_minutes = asked_minutes
WHERE regime = 'working_time' AND (employer_approval = 'approved' OR engaged_on IS NOT NULL);
UPDATE application a SET approved_minutes = least(asked_minutes, coalesce((
    SELECT effort_minutes FROM change_proposal
    WHERE application_id = a.id AND state = 'accepted' AND effort_minutes < a.agreed_minutes ORDER BY id DESC LIMIT 1),
    (SELECT effort_minutes FROM mission WHERE id = a.mission_id)))
WHERE regime = 'working_time' AND employer_approval = 'pending' AND engaged_on IS NOT NULL;
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE application
    ADD CONSTRAINT application_asked_for_minutes CHECK (regime = 'personal_time' OR asked_minutes IS NOT NULL),
    ADD CONSTRAINT application_bound_as_agreed CHECK (
        employer_approval <> 'approved' OR state NOT IN ('accepted', 'completed', 'no_show')
        OR agreed_minutes <= coalesce(approved_minutes, 0));
