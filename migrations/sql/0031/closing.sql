-- An association answers every declaration before it closes: nobody could afterwards. Its row is held from those who are
-- declaring, who hold its key: whichever comes second sees what the first did.
CREATE FUNCTION require_answered_hours() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    waiting bigint;
BEGIN
    PERFORM FROM association WHERE id = NEW.id FOR UPDATE;
    SELECT count(*) INTO waiting FROM hours_entry
    WHERE association_id = NEW.id AND state IN ('declared', 'disputed');
    IF waiting > 0 THEN
        RAISE EXCEPTION 'an association closes once it has answered what was declared'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'association_closes_without_hours', DETAIL = waiting;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER association_closes_without_hours BEFORE UPDATE ON association FOR EACH ROW
    WHEN (OLD.state <> 'closed' AND NEW.state = 'closed') EXECUTE FUNCTION require_answered_hours();

-- Read after the lock: under it the row may be another than was found.
CREATE FUNCTION require_association_to_answer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM FROM association WHERE id = NEW.association_id FOR KEY SHARE;
    IF (SELECT state FROM association WHERE id = NEW.association_id) = 'closed' THEN
        RAISE EXCEPTION 'nobody answers what is declared to a closed association'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'hours_entry_of_open_association';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER hours_entry_of_open_association BEFORE INSERT OR UPDATE OF state ON hours_entry FOR EACH ROW
    WHEN (NEW.state IN ('declared', 'disputed')) EXECUTE FUNCTION require_association_to_answer();
