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
