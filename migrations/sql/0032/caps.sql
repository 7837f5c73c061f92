-- As before, and the refusal names the cap: its format, or `any`, and how many it lets wait.
CREATE OR REPLACE FUNCTION keep_the_cap() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    wanted text := (SELECT format FROM mission WHERE id = NEW.mission_id);
    cap application_cap;
BEGIN
    PERFORM FROM employee WHERE id = NEW.employee_id FOR NO KEY UPDATE;
    SELECT c.* INTO cap
    FROM application_cap c, (
        SELECT count(*) AS all_of_them, count(*) FILTER (WHERE m.format = wanted) AS of_the_format
        FROM application a JOIN mission m ON m.id = a.mission_id
        WHERE a.person_id = NEW.person_id
            AND a.state IN ('submitted', 'shortlisted', 'waitlisted', 'offered')) waiting
    WHERE c.most < CASE c.format WHEN 'any' THEN all_of_them WHEN wanted THEN of_the_format END
    ORDER BY c.format = 'any' DESC LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'somebody has so many unanswered applications at most'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'application_cap_of_person',
                  DETAIL = cap.format || ' ' || cap.most;
    END IF;
    RETURN NULL;
END
$$;
