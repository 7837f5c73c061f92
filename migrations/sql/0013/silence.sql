-- A mission that left somebody without an answer is found after the others, until that is mended.
CREATE FUNCTION hear_silence() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    left_without boolean := EXISTS (SELECT FROM application WHERE mission_id = NEW.mission_id AND state = 'expired'
                                    AND state_reason = 'no_reply');
BEGIN
    UPDATE mission_search SET silent = left_without WHERE id = NEW.mission_id;
    UPDATE mission_reserved SET silent = left_without WHERE id = NEW.mission_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER application_silence AFTER UPDATE ON application FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND 'expired' IN (OLD.state, NEW.state)) EXECUTE FUNCTION hear_silence();
