-- An application's whole life: nobody applies into silence, and a waitlist is a queue.

ALTER TABLE application
    ADD COLUMN reply_due_at timestamptz,
    ADD COLUMN replied_at timestamptz,
    ADD COLUMN reminded integer NOT NULL DEFAULT 0,
    ADD COLUMN waitlisted_at timestamptz,
    ADD COLUMN offer_expires_at timestamptz,
    ADD COLUMN ended_at timestamptz;
SET LOCAL ROLE maillon_ops;
UPDATE application SET reply_due_at = created_at + interval '7 days';
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE application ALTER COLUMN reply_due_at SET NOT NULL;

INSERT INTO state_edge (object, from_state, to_state) VALUES
    ('application', 'submitted', 'shortlisted'),
    ('application', 'shortlisted', 'accepted'), ('application', 'shortlisted', 'declined'),
    ('application', 'shortlisted', 'withdrawn'), ('application', 'shortlisted', 'expired'),
    ('application', 'shortlisted', 'cancelled'), ('application', 'shortlisted', 'employer_refused'),
    ('application', 'submitted', 'waitlisted'), ('application', 'shortlisted', 'waitlisted'),
    ('application', 'waitlisted', 'offered'), ('application', 'waitlisted', 'declined'),
    ('application', 'waitlisted', 'withdrawn'), ('application', 'waitlisted', 'expired'),
    ('application', 'waitlisted', 'cancelled'), ('application', 'waitlisted', 'employer_refused'),
    ('application', 'offered', 'accepted'), ('application', 'offered', 'withdrawn'),
    ('application', 'offered', 'expired'), ('application', 'offered', 'cancelled'),
    ('application', 'offered', 'employer_refused'),
    ('application', 'accepted', 'no_show'), ('application', 'completed', 'no_show'),
    ('application', 'no_show', 'completed'),
    ('application', 'declined', 'submitted'), ('application', 'expired', 'submitted');

ALTER TABLE application
    ADD CONSTRAINT application_offer_has_deadline CHECK (state <> 'offered' OR offer_expires_at IS NOT NULL),
    ADD CONSTRAINT application_waits_since CHECK (state <> 'waitlisted' OR waitlisted_at IS NOT NULL);
CREATE INDEX application_waitlist ON application (mission_id, waitlisted_at, id) WHERE state = 'waitlisted';
CREATE INDEX application_reply_due ON application (reply_due_at) WHERE state IN ('submitted', 'shortlisted');
CREATE INDEX application_offer_due ON application (offer_expires_at) WHERE state = 'offered';
CREATE INDEX application_replies ON application (association_id, reply_due_at);

-- When it was answered, and when it ended: whoever moves it.
CREATE FUNCTION stamp_application() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('submitted', 'shortlisted') AND NEW.state IN ('accepted', 'declined', 'waitlisted') THEN
        NEW.replied_at := coalesce(OLD.replied_at, maillon_now());
    END IF;
    NEW.ended_at := CASE WHEN is_live(NEW.state) = 0 THEN coalesce(OLD.ended_at, maillon_now()) END;
    IF NEW.state = 'submitted' THEN
        NEW.replied_at := NULL;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER application_stamped BEFORE UPDATE ON application FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION stamp_application();

-- How many live applications that nobody has accepted somebody may have: of any format, and of some.
CREATE TABLE application_cap (
    format text PRIMARY KEY,
    most integer NOT NULL,
    CONSTRAINT application_cap_positive CHECK (most > 0)
);
INSERT INTO application_cap VALUES ('any', 5);
GRANT SELECT ON application_cap TO maillon_app, maillon_ops;

-- The employee's lock, which applying takes first, lines up somebody who applies twice at once.
CREATE FUNCTION keep_the_cap() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    wanted text := (SELECT format FROM mission WHERE id = NEW.mission_id);
BEGIN
    PERFORM FROM employee WHERE id = NEW.employee_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT FROM application_cap c
        WHERE c.format IN ('any', wanted) AND c.most < (
            SELECT count(*) FROM application a JOIN mission m ON m.id = a.mission_id
            WHERE a.person_id = NEW.person_id AND a.state IN ('submitted', 'shortlisted', 'waitlisted', 'offered')
                AND c.format IN ('any', m.format))) THEN
        RAISE EXCEPTION 'somebody has so many unanswered applications at most'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'application_cap_of_person';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER application_capped AFTER INSERT ON application FOR EACH ROW EXECUTE FUNCTION keep_the_cap();

-- Free places go to whoever waits, the first in first out, in the transaction that freed them. The mission is locked
-- by whoever calls, as for every move of its applications; they may be behind walls that the caller does not cross.
CREATE FUNCTION offer_places(of_mission uuid, deadline timestamptz)
    RETURNS TABLE (application_id uuid, association_id uuid, company_id uuid)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN QUERY
    UPDATE application a SET state = 'offered', state_reason = NULL, offer_expires_at = deadline
    FROM (SELECT w.id FROM application w JOIN mission m ON m.id = w.mission_id
          WHERE w.mission_id = of_mission AND w.state = 'waitlisted'
              AND m.state IN ('published', 'paused', 'in_progress')
          ORDER BY w.waitlisted_at, w.id
          LIMIT (SELECT greatest(0, places - taken) FROM mission WHERE id = of_mission)) next
    WHERE a.id = next.id AND a.state = 'waitlisted'
    RETURNING a.id, a.association_id, a.company_id;
END
$$;

-- Whom the accepted write to: the mission's contact, to nobody but them.
CREATE FUNCTION contact_of(which uuid) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (
        SELECT CASE WHEN p.id IS NULL THEN m.contact - 'person_id' ELSE jsonb_build_object(
                   'name', trim(p.given_name || ' ' || p.family_name), 'phone', m.contact ->> 'phone',
                   'email', (SELECT email FROM person_email e WHERE e.person_id = p.id AND e.proved_at IS NOT NULL
                             ORDER BY e.proved_at, e.id LIMIT 1)) END
        FROM mission m LEFT JOIN person p ON p.id = (m.contact ->> 'person_id')::uuid
        WHERE m.id = which AND m.contact IS NOT NULL AND EXISTS (
            SELECT FROM application a WHERE a.mission_id = which AND a.person_id = app_person()
                AND a.state IN ('accepted', 'completed') AND a.employer_approval IN ('not_required', 'approved')));

-- How many wait before somebody, themselves included.
CREATE FUNCTION waitlist_position(application uuid) RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (SELECT count(*) FROM application mine JOIN application other
                ON other.mission_id = mine.mission_id AND other.state = 'waitlisted'
                AND (other.waitlisted_at, other.id) <= (mine.waitlisted_at, mine.id)
            WHERE mine.id = application);

-- What an association answered of what fell due within a year, and how long it took, in minutes. Those withdrawn or
-- cancelled before the date do not count.
CREATE FUNCTION replies_of(association uuid, at timestamptz) RETURNS TABLE (rate double precision, median integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT CASE WHEN count(*) >= 5
               THEN round((count(*) FILTER (WHERE replied_at <= reply_due_at))::numeric / count(*), 3)::float8 END,
           CASE WHEN count(*) >= 5 THEN percentile_cont(0.5) WITHIN GROUP (
               ORDER BY extract(epoch FROM replied_at - created_at) / 60)::integer END
    FROM application
    WHERE association_id = association AND reply_due_at > at - interval '1 year'
      AND (replied_at IS NOT NULL OR (reply_due_at <= at AND coalesce(ended_at, 'infinity') >= reply_due_at))
$$;

CREATE TABLE message (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES application,
    association_id uuid NOT NULL,
    person_id uuid NOT NULL,
    author_id uuid NOT NULL,
    from_association boolean NOT NULL,
    text text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX message_of_application ON message (application_id, created_at, id);
CREATE INDEX message_of_person ON message (person_id);
ALTER TABLE message ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- The two sides alone: no role of the employer's, no moderator.
CREATE POLICY message_seen ON message FOR SELECT
    USING (person_id = app_person() OR association_id = ANY (app_associations()));
CREATE POLICY message_written ON message FOR INSERT WITH CHECK (
    author_id = app_person() AND CASE WHEN from_association THEN association_id = ANY (app_associations())
                                      ELSE person_id = app_person() END);
GRANT SELECT, INSERT ON message TO maillon_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON message TO maillon_ops;

-- Why an association ended an engagement is written about somebody, as what is said of hours.
DROP TRIGGER state_event_is_final ON state_event;
CREATE TRIGGER state_event_is_final BEFORE UPDATE ON state_event FOR EACH ROW
    WHEN (OLD.object NOT IN ('hours_entry', 'application') OR NEW.reason IS NOT NULL
          OR to_jsonb(OLD) - 'reason' IS DISTINCT FROM to_jsonb(NEW) - 'reason')
    EXECUTE FUNCTION refuse_change();

-- What the erased wrote goes; what was written to them, or of why they were ended, goes with it.
CREATE FUNCTION forget_messages() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    DELETE FROM message WHERE person_id = NEW.id;
    UPDATE message SET text = '' WHERE author_id = NEW.id;
    UPDATE application SET state_reason = NULL WHERE person_id = NEW.id AND state = 'cancelled';
    UPDATE state_event SET reason = NULL
    WHERE object = 'application' AND person_id = NEW.id AND to_state = 'cancelled' AND reason IS NOT NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER person_messages AFTER UPDATE ON person FOR EACH ROW
    WHEN (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL) EXECUTE FUNCTION forget_messages();
