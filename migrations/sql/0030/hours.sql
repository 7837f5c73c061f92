-- Who left is not asked for hours either: HR is, once, when they are confirmed.
CREATE FUNCTION ask_who_works_there() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    NEW.manager_id := (SELECT id FROM employee WHERE id = NEW.manager_id AND active);
    RETURN NEW;
END
$$;
CREATE TRIGGER hours_entry_asks_who_works_there BEFORE UPDATE ON hours_entry FOR EACH ROW
    WHEN (OLD.state <> 'confirmed' AND NEW.state = 'confirmed' AND NEW.manager_id IS NOT NULL)
    EXECUTE FUNCTION ask_who_works_there();
-- What waits for a manager, among all hours.
CREATE INDEX hours_entry_to_approve ON hours_entry (manager_id) WHERE state = 'confirmed';

-- What a company's policy approves by itself: as many minutes of an engagement as its employer agreed to. It is nobody's
-- act, whoever confirmed them. The application is locked by whoever calls.
CREATE FUNCTION approve_by_policy(entry uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    person text := current_setting('app.person', true);
    roles text := current_setting('app.role', true);
    approved boolean;
BEGIN
    PERFORM set_config('app.person', '', true), set_config('app.role', '{system}', true);
    UPDATE hours_entry h SET state = 'approved' FROM application a
    WHERE h.id = entry AND h.state = 'confirmed' AND h.regime = 'working_time' AND a.id = h.application_id
        AND hours_approval_of(h.company_id, h.worked_on) = 'automatic'
        AND h.minutes + (SELECT coalesce(sum(minutes), 0) FROM hours_entry
                         WHERE application_id = a.id AND state = 'approved')
            <= least(a.agreed_minutes, a.approved_minutes);
    approved := FOUND;
    PERFORM set_config('app.person', person, true), set_config('app.role', roles, true);
    RETURN approved;
END
$$;
