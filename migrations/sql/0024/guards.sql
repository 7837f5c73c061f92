-- What no path may do to a mission, whoever writes it. As invoker: who acts, and what they see, is theirs.

-- A moderator from outside, who acts by what they decide.
CREATE FUNCTION app_moderates(association uuid) RETURNS boolean LANGUAGE sql STABLE
    RETURN app_is('moderator') AND association <> ALL (coalesce(app_associations(), '{}'));

-- Locked first: an association that is being refused or suspended is seen as it will be.
CREATE FUNCTION require_living_association() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    host text;
BEGIN
    PERFORM lock_association(NEW.association_id);
    SELECT state INTO host FROM association WHERE id = NEW.association_id;
    IF host IS NULL OR host NOT IN ('unverified', 'verified') THEN
        RAISE EXCEPTION 'a mission is open while its association is'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'mission_of_living_association';
    ELSIF NEW.state = 'published' AND OLD.state <> 'paused' AND host <> 'verified'
        AND NOT app_moderates(NEW.association_id) THEN
        RAISE EXCEPTION 'what an unverified association submits is published by a moderator'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'mission_published_by_moderator';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER mission_of_living_association BEFORE UPDATE ON mission FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NEW.state IN ('submitted', 'published'))
    EXECUTE FUNCTION require_living_association();

CREATE FUNCTION hold_by_moderation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT app_moderates(NEW.association_id) THEN
        RAISE EXCEPTION 'a moderator lifts what a moderator paused'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'mission_held_by_moderation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER mission_held_by_moderation BEFORE UPDATE ON mission FOR EACH ROW
    WHEN (OLD.state = 'paused' AND OLD.state_reason = 'moderation' AND NEW.state IN ('paused', 'published')
          AND (OLD.state, OLD.state_reason) IS DISTINCT FROM (NEW.state, NEW.state_reason))
    EXECUTE FUNCTION hold_by_moderation();

-- A place that is offered starts nothing; where somebody was accepted, even if it is over for them, the mission ends too.
CREATE FUNCTION require_somebody() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM application WHERE mission_id = NEW.id AND state IN ('accepted', 'completed', 'no_show')) THEN
        RAISE EXCEPTION 'a mission starts with somebody'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'mission_started_with_somebody';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER mission_started_with_somebody BEFORE UPDATE ON mission FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NEW.state = 'in_progress') EXECUTE FUNCTION require_somebody();

-- What a format allows: least and most minutes for one place, least and most places, most days. A test compares.
CREATE FUNCTION format_bounds(format text)
    RETURNS TABLE (least_minutes integer, most_minutes integer, least_places integer, most_places integer, most_days integer)
    LANGUAGE sql IMMUTABLE AS $$
    SELECT least_minutes, most_minutes, least_places, most_places, most_days FROM (VALUES
        ('consultation', 30, 120, 1, 20, 92),
        ('short', 60, 1440, 1, 100, 92),
        ('project', 600, 24000, 1, 50, 184),
        ('mentoring', 60, 12000, 1, 100, 366),
        ('team_day', 180, 720, 2, 500, 1)
    ) AS known (name, least_minutes, most_minutes, least_places, most_places, most_days) WHERE name = format
$$;

-- Once it is submitted; what was published before this rule is held to it where it is edited.
CREATE FUNCTION keep_within_format() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bounds record;
    anew boolean := OLD.state IN ('draft', 'rejected') OR OLD.format IS DISTINCT FROM NEW.format;
    broken text;
BEGIN
    SELECT * INTO bounds FROM format_bounds(NEW.format);
    broken := CASE
        WHEN (anew OR OLD.effort_minutes IS DISTINCT FROM NEW.effort_minutes)
            AND NEW.effort_minutes NOT BETWEEN bounds.least_minutes AND bounds.most_minutes THEN 'mission_effort_of_format'
        WHEN (anew OR OLD.places <> NEW.places)
            AND NEW.places NOT BETWEEN bounds.least_places AND bounds.most_places THEN 'mission_places_of_format'
        WHEN (anew OR (OLD.starts_on, OLD.ends_on) IS DISTINCT FROM (NEW.starts_on, NEW.ends_on))
            AND NEW.ends_on - NEW.starts_on >= bounds.most_days THEN 'mission_days_of_format' END;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'a mission keeps within its format' USING ERRCODE = 'check_violation', CONSTRAINT = broken;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER mission_within_format BEFORE UPDATE OF state, format, effort_minutes, places, starts_on, ends_on
    ON mission FOR EACH ROW WHEN (NEW.state NOT IN ('draft', 'rejected')) EXECUTE FUNCTION keep_within_format();

-- Refused as closed: with no live mission left. Suspended with its missions locked: who takes somebody on holds one.
CREATE OR REPLACE FUNCTION move_missions() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    CASE NEW.state
        WHEN 'suspended' THEN
            PERFORM FROM mission WHERE association_id = NEW.id AND state IN ('published', 'paused', 'in_progress')
            ORDER BY id FOR UPDATE;
            UPDATE mission SET state = 'paused', state_reason = 'association_suspended'
            WHERE association_id = NEW.id AND state = 'published';
        WHEN 'verified' THEN
            UPDATE mission SET state = 'published', state_reason = NULL
            WHERE id IN (SELECT id FROM mission WHERE association_id = NEW.id AND state = 'paused'
                         AND state_reason = 'association_suspended' ORDER BY id FOR UPDATE);
        WHEN 'closed', 'refused' THEN
            IF EXISTS (SELECT FROM mission WHERE association_id = NEW.id
                       AND state IN ('submitted', 'published', 'paused', 'in_progress')) THEN
                RAISE EXCEPTION 'an association ends without live missions'
                    USING ERRCODE = 'check_violation', CONSTRAINT = CASE NEW.state
                        WHEN 'closed' THEN 'association_closes_without_missions'
                        ELSE 'association_refused_without_missions' END;
            END IF;
        ELSE
    END CASE;
    RETURN NULL;
END
$$;

-- Whom and what a mission may name: all that is not there is said at once.
DROP TRIGGER mission_skills_known ON mission;
DROP FUNCTION require_known_skills();
CREATE OR REPLACE FUNCTION keep_mission_names() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    broken text[] := array_remove(ARRAY[
        -- One deprecated since stays until the skills are edited. No lock: a skill is never deleted, and deprecating
        -- it beside an edit is deprecating it after.
        CASE WHEN NEW.skills IS DISTINCT FROM OLD.skills AND EXISTS (
            SELECT FROM jsonb_array_elements(NEW.skills) named
            WHERE NOT EXISTS (SELECT FROM skill WHERE id = named ->> 'skill' AND deprecated_at IS NULL))
            THEN 'mission_skills_known' END,
        CASE WHEN EXISTS (SELECT unnest(NEW.managers) EXCEPT SELECT unnest(OLD.managers)
            EXCEPT SELECT person_id FROM association_member WHERE association_id = NEW.association_id)
            THEN 'mission_managers_are_members' END,
        CASE WHEN NEW.contact ->> 'person_id' IS NOT NULL AND NOT EXISTS (
            SELECT FROM association_member
            WHERE association_id = NEW.association_id AND person_id = (NEW.contact ->> 'person_id')::uuid)
            THEN 'mission_contact_is_member' END,
        CASE WHEN EXISTS (SELECT unnest(NEW.reserved_to) EXCEPT SELECT id FROM company)
            THEN 'mission_reserved_to_companies' END], NULL);
BEGIN
    IF broken <> '{}' THEN
        RAISE EXCEPTION 'a mission names who and what is there'
            USING ERRCODE = 'check_violation', CONSTRAINT = broken[1], DETAIL = array_to_string(broken, ' ');
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER mission_names ON mission;
CREATE TRIGGER mission_names BEFORE INSERT OR UPDATE OF managers, reserved_to, contact, skills ON mission FOR EACH ROW
    EXECUTE FUNCTION keep_mission_names();
