-- The sessions that somebody agreed to, once their mission's are others: all of them where they had agreed to all.
CREATE FUNCTION followed_sessions(agreed jsonb, former jsonb, present jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN agreed = former THEN present ELSE moved_sessions(agreed, former, present) END;

-- As before, but nobody is left to do a mission in none of the sessions that they agreed to.
CREATE OR REPLACE FUNCTION follow_mission() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    left_alone bigint;
BEGIN
    PERFORM FROM application WHERE mission_id = NEW.id AND state IN ('offered', 'accepted') ORDER BY id FOR UPDATE;
    SELECT count(*) INTO left_alone FROM application
    WHERE mission_id = NEW.id AND state IN ('offered', 'accepted') AND agreed_sessions <> '[]'
        AND followed_sessions(agreed_sessions, OLD.sessions, NEW.sessions) = '[]';
    IF left_alone > 0 THEN
        RAISE EXCEPTION 'somebody agreed to those sessions alone'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'application_keeps_a_session', DETAIL = left_alone;
    END IF;
    UPDATE application SET
        agreed_starts_on = CASE WHEN agreed_starts_on = OLD.starts_on THEN NEW.starts_on
                                ELSE greatest(NEW.starts_on, least(agreed_starts_on, NEW.ends_on)) END,
        agreed_ends_on = CASE WHEN agreed_ends_on IS NOT DISTINCT FROM OLD.ends_on THEN NEW.ends_on
                              ELSE greatest(NEW.starts_on, least(agreed_ends_on, NEW.ends_on)) END,
        agreed_sessions = followed_sessions(agreed_sessions, OLD.sessions, NEW.sessions)
    WHERE mission_id = NEW.id AND state IN ('offered', 'accepted');
    RETURN NULL;
END
$$;
