-- What no two requests at the same moment may undo; as in 0001, these functions look beyond the caller's walls.

INSERT INTO state_edge (object, from_state, to_state) VALUES
    ('mission', 'published', 'paused'), ('mission', 'paused', 'published');

CREATE FUNCTION keep_an_owner() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    -- Two owners who leave at once stand in line here: the second sees that the first is gone.
    PERFORM FROM association WHERE id = OLD.association_id AND state <> 'closed' FOR NO KEY UPDATE;
    -- A person who is erased goes all the same: a moderator then recovers the association.
    IF FOUND AND EXISTS (SELECT FROM person WHERE id = OLD.person_id)
        AND NOT EXISTS (SELECT FROM association_member WHERE association_id = OLD.association_id AND role = 'owner')
    THEN
        RAISE EXCEPTION 'the last owner of an association stays'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'association_keeps_an_owner';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER association_keeps_an_owner AFTER UPDATE OR DELETE ON association_member FOR EACH ROW
    WHEN (OLD.role = 'owner') EXECUTE FUNCTION keep_an_owner();

-- Missions follow their association. The code in `state_reason` tells those that a suspension paused from those
-- that a coordinator did: reinstating brings back the former alone.
CREATE FUNCTION move_missions() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    CASE NEW.state
        WHEN 'suspended' THEN
            UPDATE mission SET state = 'paused', state_reason = 'association_suspended'
            WHERE id IN (SELECT id FROM mission WHERE association_id = NEW.id AND state = 'published'
                         ORDER BY id FOR UPDATE);
        WHEN 'verified' THEN
            UPDATE mission SET state = 'published', state_reason = NULL
            WHERE id IN (SELECT id FROM mission WHERE association_id = NEW.id AND state = 'paused'
                         AND state_reason = 'association_suspended' ORDER BY id FOR UPDATE);
        WHEN 'closed' THEN
            IF EXISTS (SELECT FROM mission WHERE association_id = NEW.id
                       AND state IN ('submitted', 'published', 'paused', 'in_progress')) THEN
                RAISE EXCEPTION 'an association closes without live missions'
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'association_closes_without_missions';
            END IF;
        ELSE
    END CASE;
    RETURN NULL;
END
$$;

CREATE TRIGGER association_missions AFTER UPDATE ON association FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION move_missions();
