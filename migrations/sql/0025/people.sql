-- What is written or said at the end names the erased no more: both want the person's row.
CREATE TRIGGER message_of_living_person BEFORE INSERT ON message FOR EACH ROW
    EXECUTE FUNCTION require_living_person();
CREATE TRIGGER feedback_of_living_person BEFORE INSERT ON feedback FOR EACH ROW
    EXECUTE FUNCTION require_living_person();
CREATE FUNCTION require_living_author() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM FROM person WHERE id = NEW.author_id AND erased_at IS NULL FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the author was erased'
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_author_of_living_person';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER message_of_living_author BEFORE INSERT ON message FOR EACH ROW
    EXECUTE FUNCTION require_living_author();

-- What hung on the erased nevertheless goes, as it would have with them.
SET LOCAL ROLE maillon_ops;
DELETE FROM message m USING person p WHERE p.id = m.person_id AND p.erased_at IS NOT NULL;
UPDATE message m SET text = '' FROM person p WHERE p.id = m.author_id AND p.erased_at IS NOT NULL AND m.text <> '';
DELETE FROM feedback f USING person p WHERE p.id = f.person_id AND p.erased_at IS NOT NULL;
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;

-- An administrator answers for an employee in HR's place, where the company has no other HR than that employee.
CREATE FUNCTION stands_in_for_hr(application uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN app_is('company_admin') AND EXISTS (
        SELECT FROM application a
        WHERE a.id = application AND a.company_id = app_company() AND a.regime = 'working_time' AND NOT EXISTS (
            SELECT FROM employee e WHERE e.company_id = a.company_id AND e.active AND e.person_id <> a.person_id
                AND 'hr' = ANY (e.roles || e.group_roles)));

-- Where an association writes to who gives their own time: the address that they proved, before their employer's.
CREATE FUNCTION address_of_applicant(application uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (
        SELECT coalesce((SELECT email FROM person_email e WHERE e.person_id = a.person_id AND e.proved_at IS NOT NULL
                         ORDER BY e.proved_at, e.id LIMIT 1), a.applicant_email)
        FROM application a
        WHERE a.id = application AND a.regime = 'personal_time'
          AND (a.person_id = app_person()
               OR (a.state IN ('accepted', 'completed') AND a.association_id = ANY (app_associations()))));
