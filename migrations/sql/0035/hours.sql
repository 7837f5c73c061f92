-- As before, and where hours are for HR to approve, no manager is asked for them.
CREATE OR REPLACE FUNCTION ask_who_works_there() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    NEW.manager_id := (SELECT id FROM employee WHERE id = NEW.manager_id AND active
                       AND hours_approval_of(NEW.company_id, NEW.worked_on) <> 'hr');
    RETURN NEW;
END
$$;
