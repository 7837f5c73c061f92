-- What a mission says beyond its first fields, and the states it lives through by the clock.

CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;

ALTER TABLE mission
    ADD COLUMN template text,
    ADD COLUMN prerequisites jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN steps text[] NOT NULL DEFAULT '{}',
    ADD COLUMN skills jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN sessions jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN contact jsonb,
    ADD COLUMN managers uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN reserved_to uuid[] NOT NULL DEFAULT '{}',
    ADD COLUMN live integer NOT NULL DEFAULT 0,
    ADD COLUMN closes_on date,
    ADD COLUMN changed_at timestamptz,
    ADD COLUMN review_since timestamptz,
    ADD COLUMN review_reasons text[] NOT NULL DEFAULT '{}';

INSERT INTO state_edge (object, from_state, to_state) VALUES
    ('mission', 'published', 'in_progress'), ('mission', 'paused', 'in_progress'),
    ('mission', 'in_progress', 'completed'),
    ('mission', 'submitted', 'cancelled'), ('mission', 'published', 'cancelled'),
    ('mission', 'paused', 'cancelled'), ('mission', 'in_progress', 'cancelled'),
    ('mission', 'submitted', 'expired'), ('mission', 'published', 'expired'), ('mission', 'paused', 'expired'),
    ('application', 'submitted', 'cancelled'), ('application', 'accepted', 'cancelled');

-- The counters are no edit: whoever applies must not refuse the coordinator who is editing.
DROP TRIGGER mission_version ON mission;
CREATE TRIGGER mission_version BEFORE UPDATE ON mission FOR EACH ROW
    WHEN ((OLD.taken, OLD.live) = (NEW.taken, NEW.live)) EXECUTE FUNCTION count_version();
DROP TRIGGER mission_searched ON mission;
CREATE TRIGGER mission_searched AFTER UPDATE ON mission FOR EACH ROW
    WHEN ((OLD.state = 'published' OR NEW.state = 'published')
          AND (OLD.version, OLD.taken) IS DISTINCT FROM (NEW.version, NEW.taken)) EXECUTE FUNCTION keep_search();

CREATE FUNCTION close_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.closes_on := coalesce(NEW.apply_by, NEW.starts_on);
    RETURN NEW;
END
$$;
CREATE TRIGGER mission_closes BEFORE INSERT OR UPDATE OF apply_by, starts_on ON mission FOR EACH ROW
    EXECUTE FUNCTION close_on();

-- Live applications are counted as places are: a mission that ends leaves none behind.
CREATE FUNCTION is_live(state text) RETURNS integer LANGUAGE sql IMMUTABLE
    RETURN (state IN ('submitted', 'shortlisted', 'waitlisted', 'offered', 'accepted'))::integer;

CREATE OR REPLACE FUNCTION count_places() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE mission SET taken = taken + holds_place(NEW.state), live = live + is_live(NEW.state)
        WHERE id = NEW.mission_id;
    ELSE
        UPDATE mission SET taken = taken + holds_place(NEW.state) - holds_place(OLD.state),
                           live = live + is_live(NEW.state) - is_live(OLD.state)
        WHERE id = NEW.mission_id;
    END IF;
    RETURN NULL;
END
$$;
DROP TRIGGER application_places ON application;
CREATE TRIGGER application_places AFTER UPDATE ON application FOR EACH ROW
    WHEN (holds_place(OLD.state) <> holds_place(NEW.state) OR is_live(OLD.state) <> is_live(NEW.state))
    EXECUTE FUNCTION count_places();
CREATE TRIGGER application_counted AFTER INSERT ON application FOR EACH ROW
    WHEN (is_live(NEW.state) = 1) EXECUTE FUNCTION count_places();

SET LOCAL ROLE maillon_ops;
UPDATE mission m SET closes_on = coalesce(apply_by, starts_on),
    live = (SELECT count(*) FROM application WHERE mission_id = m.id AND is_live(state) = 1),
    review_since = CASE state WHEN 'submitted' THEN created_at END,
    review_reasons = CASE state WHEN 'submitted' THEN '{unverified}' ELSE '{}' END::text[];
-- What was owed to associations about their missions is told by one reaction from now on.
UPDATE reaction SET name = 'tell_association'
WHERE name IN ('tell_association_of_publication', 'tell_association_of_rejection') AND done_at IS NULL;
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;

ALTER TABLE mission
    ADD CONSTRAINT mission_counts_live CHECK (live >= 0),
    ADD CONSTRAINT mission_ended_has_no_live CHECK (live = 0 OR state NOT IN ('completed', 'cancelled', 'expired')),
    ADD CONSTRAINT mission_submitted_is_reviewed CHECK (state <> 'submitted' OR review_since IS NOT NULL);
DROP INDEX mission_waiting;
CREATE INDEX mission_to_review ON mission (review_since, id) WHERE review_since IS NOT NULL;
CREATE INDEX mission_to_start ON mission (starts_on) WHERE state IN ('published', 'paused');
CREATE INDEX mission_to_expire ON mission (closes_on) WHERE state IN ('submitted', 'published', 'paused');
CREATE INDEX mission_to_complete ON mission (starts_on) WHERE state = 'in_progress';

-- What triggers count, stamp or derive by themselves is no act.
CREATE OR REPLACE FUNCTION audit_changes(before jsonb, after jsonb, shown text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN (
        SELECT coalesce(jsonb_object_agg(name, CASE WHEN name = ANY (shown) THEN
            CASE WHEN before ? name THEN jsonb_build_object('old', before -> name) ELSE '{}' END
            || CASE WHEN after ? name THEN jsonb_build_object('new', after -> name) ELSE '{}' END
            ELSE '{}' END), '{}')
        FROM jsonb_object_keys(before || after) name
        WHERE before -> name IS DISTINCT FROM after -> name
          AND (name = ANY (shown) OR (before <> '{}' AND after <> '{}'))
          AND name NOT IN ('version', 'taken', 'live', 'closes_on', 'last_used_at', 'updated_at', 'user_name_key',
                           'email_key'));

-- A reserved mission is for the employees of its companies, and for whoever applied to it.
CREATE FUNCTION applied_to(mission uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN EXISTS (SELECT FROM application WHERE mission_id = mission AND person_id = app_person());

CREATE FUNCTION applied_at(association uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN EXISTS (SELECT FROM application WHERE association_id = association AND person_id = app_person());

-- Whoever had applied keeps their application, whose association was refused since.
DROP POLICY association_seen ON association;
CREATE POLICY association_seen ON association FOR SELECT
    USING (state <> 'refused' OR id = ANY (app_associations()) OR app_is('moderator', 'admin') OR applied_at(id));

DROP POLICY mission_seen ON mission;
CREATE POLICY mission_seen ON mission FOR SELECT
    USING (association_id = ANY (app_associations())
           OR (app_is('moderator') AND state <> 'draft')
           OR (published_at IS NOT NULL
               AND (reserved_to = '{}' OR app_company() = ANY (reserved_to) OR applied_to(id))));

CREATE FUNCTION is_contact(who uuid, contact jsonb) RETURNS boolean LANGUAGE sql STABLE
    RETURN coalesce(contact ->> 'person_id' = who::text, false)
        OR lower(contact ->> 'email') IN (SELECT email FROM person_email WHERE person_id = who);

-- Who leaves the association manages none of its missions, and is the contact of none.
CREATE FUNCTION drop_manager() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE mission SET managers = array_remove(managers, OLD.person_id),
        contact = CASE WHEN is_contact(OLD.person_id, contact) THEN NULL ELSE contact END
    WHERE id IN (SELECT id FROM mission WHERE association_id = OLD.association_id
                 AND (managers @> ARRAY[OLD.person_id] OR is_contact(OLD.person_id, contact)) ORDER BY id FOR UPDATE);
    RETURN NULL;
END
$$;
CREATE TRIGGER association_member_manages AFTER DELETE ON association_member FOR EACH ROW
    EXECUTE FUNCTION drop_manager();

-- Whom a mission may name as its managers, and which companies it may be reserved to.
CREATE FUNCTION keep_mission_names() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    IF EXISTS (SELECT unnest(NEW.managers) EXCEPT SELECT unnest(OLD.managers)
               EXCEPT SELECT person_id FROM association_member WHERE association_id = NEW.association_id) THEN
        RAISE EXCEPTION 'a mission is managed by members of its association'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'mission_managers_are_members';
    END IF;
    IF NEW.contact ->> 'person_id' IS NOT NULL AND NOT EXISTS (
        SELECT FROM association_member
        WHERE association_id = NEW.association_id AND person_id = (NEW.contact ->> 'person_id')::uuid) THEN
        RAISE EXCEPTION 'the contact of a mission is a member of its association'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'mission_contact_is_member';
    END IF;
    IF EXISTS (SELECT unnest(NEW.reserved_to) EXCEPT SELECT id FROM company) THEN
        RAISE EXCEPTION 'a mission is reserved to companies that are here'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'mission_reserved_to_companies';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER mission_names BEFORE INSERT OR UPDATE OF managers, reserved_to, contact ON mission FOR EACH ROW
    EXECUTE FUNCTION keep_mission_names();
