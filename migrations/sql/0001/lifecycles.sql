-- States move along legal edges only, each move leaves one event, and versions count edits.
-- The functions here run as ops (SECURITY DEFINER): what they touch lies beyond the caller's walls.

INSERT INTO state_edge (object, from_state, to_state) VALUES
    ('association', '', 'unverified'),
    ('association', 'unverified', 'verified'), ('association', 'unverified', 'refused'),
    ('association', 'refused', 'unverified'), ('association', 'verified', 'suspended'),
    ('association', 'suspended', 'verified'),
    ('association', 'unverified', 'closed'), ('association', 'verified', 'closed'),
    ('association', 'refused', 'closed'), ('association', 'suspended', 'closed'),
    ('mission', '', 'draft'),
    ('mission', 'draft', 'submitted'), ('mission', 'draft', 'published'),
    ('mission', 'submitted', 'published'), ('mission', 'submitted', 'rejected'),
    ('mission', 'submitted', 'draft'), ('mission', 'rejected', 'draft'),
    ('mission', 'rejected', 'submitted'), ('mission', 'rejected', 'published'),
    ('application', '', 'submitted'),
    ('application', 'submitted', 'accepted'), ('application', 'submitted', 'declined'),
    ('application', 'submitted', 'withdrawn'), ('application', 'submitted', 'employer_refused'),
    ('application', 'submitted', 'expired'),
    ('application', 'accepted', 'withdrawn'), ('application', 'accepted', 'employer_refused'),
    ('application', 'accepted', 'completed'),
    ('hours_entry', '', 'declared'),
    ('hours_entry', 'declared', 'confirmed'), ('hours_entry', 'declared', 'lowered'),
    ('hours_entry', 'declared', 'rejected'), ('hours_entry', 'declared', 'cancelled'),
    ('hours_entry', 'lowered', 'confirmed'), ('hours_entry', 'lowered', 'cancelled'),
    ('hours_entry', 'confirmed', 'approved'), ('hours_entry', 'confirmed', 'rejected');

CREATE FUNCTION maillon_now() RETURNS timestamptz LANGUAGE sql STABLE
    RETURN coalesce(nullif(current_setting('app.now', true), '')::timestamptz, clock_timestamp());

CREATE FUNCTION count_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END
$$;

CREATE TRIGGER association_version BEFORE UPDATE ON association FOR EACH ROW EXECUTE FUNCTION count_version();
CREATE TRIGGER company_version BEFORE UPDATE ON company FOR EACH ROW EXECUTE FUNCTION count_version();
CREATE TRIGGER employee_version BEFORE UPDATE ON employee FOR EACH ROW EXECUTE FUNCTION count_version();
-- A place taken is not an edit: it must not refuse the coordinator who is editing.
CREATE TRIGGER mission_version BEFORE UPDATE ON mission FOR EACH ROW
    WHEN (OLD.taken = NEW.taken) EXECUTE FUNCTION count_version();
CREATE TRIGGER application_version BEFORE UPDATE ON application FOR EACH ROW EXECUTE FUNCTION count_version();
CREATE TRIGGER hours_entry_version BEFORE UPDATE ON hours_entry FOR EACH ROW EXECUTE FUNCTION count_version();

CREATE FUNCTION record_state() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    row jsonb := to_jsonb(NEW);
    old_state text := CASE TG_OP WHEN 'UPDATE' THEN to_jsonb(OLD) ->> 'state' ELSE '' END;
BEGIN
    IF NOT EXISTS (SELECT FROM state_edge
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
            row ->> 'state_reason', nullif(current_setting('app.person', true), '')::uuid, maillon_now());
    RETURN NULL;
END
$$;

CREATE TRIGGER association_begins AFTER INSERT ON association FOR EACH ROW EXECUTE FUNCTION record_state();
CREATE TRIGGER association_moves AFTER UPDATE ON association FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION record_state();
CREATE TRIGGER mission_begins AFTER INSERT ON mission FOR EACH ROW EXECUTE FUNCTION record_state();
CREATE TRIGGER mission_moves AFTER UPDATE ON mission FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION record_state();
CREATE TRIGGER application_begins AFTER INSERT ON application FOR EACH ROW EXECUTE FUNCTION record_state();
CREATE TRIGGER application_moves AFTER UPDATE ON application FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION record_state();
CREATE TRIGGER hours_entry_begins AFTER INSERT ON hours_entry FOR EACH ROW EXECUTE FUNCTION record_state();
CREATE TRIGGER hours_entry_moves AFTER UPDATE ON hours_entry FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION record_state();

-- Places: counted here and nowhere else; mission_places_not_oversold refuses one too many.
CREATE FUNCTION holds_place(state text) RETURNS integer LANGUAGE sql IMMUTABLE
    RETURN (state IN ('accepted', 'offered', 'completed', 'no_show'))::integer;

CREATE FUNCTION count_places() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE mission SET taken = taken + holds_place(NEW.state) - holds_place(OLD.state) WHERE id = NEW.mission_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER application_places AFTER UPDATE ON application FOR EACH ROW
    WHEN (holds_place(OLD.state) <> holds_place(NEW.state)) EXECUTE FUNCTION count_places();

-- What anyone may find.
CREATE FUNCTION publish_to_search(mission_id uuid) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
    DELETE FROM mission_search WHERE id = mission_id
        AND NOT EXISTS (SELECT FROM mission WHERE id = mission_id AND state = 'published');
    INSERT INTO mission_search
    SELECT m.id, m.version, a.id, a.name, m.title, m.summary, m.format, m.causes, m.places, m.places - m.taken,
           m.effort_minutes, m.regimes, m.remote, m.location_label, m.postal_code,
           m.starts_on, m.ends_on, m.apply_by, m.languages, m.published_at
    FROM mission m JOIN association a ON a.id = m.association_id
    WHERE m.id = mission_id AND m.state = 'published'
    ON CONFLICT (id) DO UPDATE SET
        (version, association_name, title, summary, format, causes, places, places_left, effort_minutes, regimes,
         remote, location_label, postal_code, starts_on, ends_on, apply_by, languages, published_at)
        = (excluded.version, excluded.association_name, excluded.title, excluded.summary, excluded.format,
           excluded.causes, excluded.places, excluded.places_left, excluded.effort_minutes, excluded.regimes,
           excluded.remote, excluded.location_label, excluded.postal_code, excluded.starts_on, excluded.ends_on,
           excluded.apply_by, excluded.languages, excluded.published_at)
$$;

CREATE FUNCTION keep_search() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    IF TG_TABLE_NAME = 'mission' THEN
        PERFORM publish_to_search(NEW.id);
    ELSE
        PERFORM publish_to_search(id) FROM mission WHERE association_id = NEW.id AND state = 'published';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER mission_searched AFTER UPDATE ON mission FOR EACH ROW
    WHEN (OLD.state = 'published' OR NEW.state = 'published') EXECUTE FUNCTION keep_search();
CREATE TRIGGER association_searched AFTER UPDATE ON association FOR EACH ROW
    WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION keep_search();

-- The ledger: posted when an entry is approved, never changed by anybody.
CREATE FUNCTION post_ledger_line() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    head ledger_head;
BEGIN
    -- The head's lock orders postings: a later line never bears an earlier instant, so `as_of` holds for ever.
    UPDATE ledger_head h SET sequence = h.sequence + 1,
        posted_at = greatest(h.posted_at + interval '1 microsecond', maillon_now())
    WHERE company_id = NEW.company_id RETURNING * INTO STRICT head;
    INSERT INTO ledger_line (id, sequence, hours_id, company_id, employee_id, person_id, association_id, mission_id,
                             regime, legal_form, department, site, cause, worked_on, posted_on, posted_at, minutes)
    SELECT uuidv7(), head.sequence, NEW.id, NEW.company_id, NEW.employee_id, NEW.person_id, NEW.association_id,
           NEW.mission_id, NEW.regime, a.legal_form, e.department, e.site, m.causes[1], NEW.worked_on,
           (head.posted_at AT TIME ZONE c.time_zone)::date, head.posted_at, NEW.minutes
    FROM application a, employee e, mission m, company c
    WHERE a.id = NEW.application_id AND e.id = NEW.employee_id AND m.id = NEW.mission_id AND c.id = NEW.company_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER hours_entry_posted AFTER UPDATE ON hours_entry FOR EACH ROW
    WHEN (OLD.state <> 'approved' AND NEW.state = 'approved') EXECUTE FUNCTION post_ledger_line();

-- The head is there before the first line, so that a report can hold it.
CREATE FUNCTION open_ledger() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO ledger_head (company_id, sequence, posted_at) VALUES (NEW.id, 0, maillon_now());
    RETURN NULL;
END
$$;

CREATE TRIGGER company_ledger AFTER INSERT ON company FOR EACH ROW EXECUTE FUNCTION open_ledger();

-- Nobody works more than a day in a day, over all their engagements; the employee's lock orders two at once.
CREATE FUNCTION keep_the_day() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM FROM employee WHERE id = NEW.employee_id FOR NO KEY UPDATE;
    IF (SELECT sum(minutes) FROM hours_entry WHERE person_id = NEW.person_id AND worked_on = NEW.worked_on
        AND state NOT IN ('rejected', 'cancelled', 'reversed')) > 1440 THEN
        RAISE EXCEPTION 'more than a day in a day'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'hours_entry_day_has_24_hours';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER hours_entry_day AFTER INSERT ON hours_entry FOR EACH ROW EXECUTE FUNCTION keep_the_day();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never changed once written', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_is_final';
END
$$;

CREATE TRIGGER ledger_line_is_final BEFORE UPDATE OR DELETE ON ledger_line FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER state_event_is_final BEFORE UPDATE OR DELETE ON state_event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER hours_entry_is_final BEFORE UPDATE ON hours_entry FOR EACH ROW
    WHEN (OLD.state IN ('approved', 'reversed') AND (OLD.minutes, OLD.worked_on) IS DISTINCT FROM (NEW.minutes, NEW.worked_on))
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER hours_entry_stays BEFORE DELETE ON hours_entry FOR EACH ROW EXECUTE FUNCTION refuse_change();
