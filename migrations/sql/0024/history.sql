-- A decision that moves no state is a step of the history too: a moderator holds what was paused already, or finds
-- nothing wrong with what was edited.
CREATE OR REPLACE FUNCTION record_state() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    row jsonb := to_jsonb(NEW);
    before jsonb := CASE TG_OP WHEN 'UPDATE' THEN to_jsonb(OLD) ELSE '{"state": ""}' END;
    old_state text := before ->> 'state';
    reason text := row ->> 'state_reason';
BEGIN
    IF old_state = NEW.state AND reason IS NOT DISTINCT FROM before ->> 'state_reason' THEN
        reason := 'approved';
    ELSIF old_state <> NEW.state AND NOT EXISTS (
        SELECT FROM state_edge
        WHERE object = TG_TABLE_NAME AND from_state = old_state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'illegal transition of %: % to %', TG_TABLE_NAME, old_state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_TABLE_NAME || '_legal_edge';
    END IF;
    INSERT INTO state_event (id, object, object_id, company_id, association_id, person_id,
                             from_state, to_state, reason, by_person, at)
    -- What somebody does on personal time is no event of their company's.
    VALUES (uuidv7(), TG_TABLE_NAME, NEW.id,
            CASE WHEN row ->> 'regime' IS DISTINCT FROM 'personal_time' THEN (row ->> 'company_id')::uuid END,
            CASE TG_TABLE_NAME WHEN 'association' THEN NEW.id ELSE (row ->> 'association_id')::uuid END,
            (row ->> 'person_id')::uuid, nullif(old_state, ''), NEW.state,
            reason, nullif(current_setting('app.person', true), '')::uuid, maillon_now());
    RETURN NULL;
END
$$;

CREATE TRIGGER mission_decided AFTER UPDATE ON mission FOR EACH ROW
    WHEN (OLD.state = NEW.state AND ((OLD.review_since IS NOT NULL AND NEW.review_since IS NULL)
                                     OR OLD.state_reason IS DISTINCT FROM NEW.state_reason))
    EXECUTE FUNCTION record_state();
CREATE TRIGGER association_decided AFTER UPDATE ON association FOR EACH ROW
    WHEN (OLD.state = NEW.state AND OLD.review_since IS NOT NULL AND NEW.review_since IS NULL)
    EXECUTE FUNCTION record_state();
