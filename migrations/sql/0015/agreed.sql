-- What both sides agreed on once a place is held, and what a convention between the two organisations needs.

ALTER TABLE application
    ADD COLUMN wanted_sessions uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN agreed_starts_on date,
    ADD COLUMN agreed_ends_on date,
    ADD COLUMN agreed_minutes integer,
    ADD COLUMN agreed_sessions jsonb,
    ADD COLUMN convention jsonb;

-- The sessions that somebody asked for, all where they asked for none or where those are gone.
CREATE FUNCTION chosen_sessions(offered jsonb, wanted uuid[]) RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN coalesce(
        (SELECT jsonb_agg(session ORDER BY place)
         FROM jsonb_array_elements(offered) WITH ORDINALITY AS each (session, place)
         WHERE (session ->> 'id')::uuid = ANY (wanted)), offered);

CREATE FUNCTION agree() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    SELECT starts_on, ends_on, effort_minutes, chosen_sessions(sessions, NEW.wanted_sessions)
    INTO NEW.agreed_starts_on, NEW.agreed_ends_on, NEW.agreed_minutes, NEW.agreed_sessions
    FROM mission WHERE id = NEW.mission_id;
    -- As they are on that day: neither a new name nor a moved seat changes what was signed.
    IF NEW.regime = 'working_time' THEN
        SELECT jsonb_build_object(
            'company', jsonb_build_object('name', c.name, 'siren', c.siren, 'legal_form', c.legal_form),
            'association', jsonb_build_object('name', s.name, 'legal_form', s.legal_form, 'rna', s.rna,
                'siren', s.siren, 'siret', s.siret, 'street', s.street, 'postal_code', s.postal_code, 'city', s.city),
            'place', jsonb_build_object('label', m.location_label, 'postal_code', m.postal_code, 'remote', m.remote))
        INTO NEW.convention
        FROM mission m, association s, company c
        WHERE m.id = NEW.mission_id AND s.id = NEW.association_id AND c.id = NEW.company_id;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER application_agreed BEFORE UPDATE ON application FOR EACH ROW
    WHEN (holds_place(OLD.state) = 0 AND holds_place(NEW.state) = 1) EXECUTE FUNCTION agree();

SET LOCAL ROLE maillon_ops;
UPDATE application a SET agreed_starts_on = m.starts_on, agreed_ends_on = m.ends_on, agreed_minutes = m.effort_minutes,
    agreed_sessions = m.sessions
FROM mission m WHERE m.id = a.mission_id AND holds_place(a.state) = 1;
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE application ADD CONSTRAINT application_held_is_agreed CHECK (holds_place(state) = 0
    OR (agreed_starts_on IS NOT NULL AND agreed_minutes > 0 AND agreed_sessions IS NOT NULL));

-- A mission's days and sessions are moved for everybody; what somebody agreed on for themselves stays, within them.
CREATE FUNCTION follow_mission() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE application a SET
        agreed_starts_on = CASE WHEN a.agreed_starts_on = OLD.starts_on THEN NEW.starts_on
                                ELSE greatest(NEW.starts_on, least(a.agreed_starts_on, NEW.ends_on)) END,
        agreed_ends_on = CASE WHEN a.agreed_ends_on IS NOT DISTINCT FROM OLD.ends_on THEN NEW.ends_on
                              ELSE greatest(NEW.starts_on, least(a.agreed_ends_on, NEW.ends_on)) END,
        agreed_sessions = CASE WHEN a.agreed_sessions = OLD.sessions THEN NEW.sessions
                               ELSE moved_sessions(a.agreed_sessions, OLD.sessions, NEW.sessions) END
    FROM (SELECT id FROM application WHERE mission_id = NEW.id AND state IN ('offered', 'accepted')
          ORDER BY id FOR UPDATE) held
    WHERE a.id = held.id;
    RETURN NULL;
END
$$;
CREATE FUNCTION moved_sessions(agreed jsonb, former jsonb, present jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN (
        SELECT coalesce(jsonb_agg(coalesce(now, mine) ORDER BY place), '[]')
        FROM jsonb_array_elements(agreed) WITH ORDINALITY AS each (mine, place)
        LEFT JOIN jsonb_array_elements(present) AS now ON former @> jsonb_build_array(mine) AND now -> 'id' = mine -> 'id'
        WHERE now IS NOT NULL OR NOT former @> jsonb_build_array(mine));
CREATE TRIGGER mission_followed AFTER UPDATE ON mission FOR EACH ROW
    WHEN (OLD.taken > 0 AND (OLD.starts_on, OLD.ends_on, OLD.sessions)
                            IS DISTINCT FROM (NEW.starts_on, NEW.ends_on, NEW.sessions))
    EXECUTE FUNCTION follow_mission();
