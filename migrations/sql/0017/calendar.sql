-- What calendars are told by mail, and the address at which a person's own can read their engagements.

ALTER TABLE mail ADD COLUMN calendars text[] NOT NULL DEFAULT '{}';

-- What a person's calendar was last told of an engagement: only what was told is called off.
CREATE TABLE calendar_invitation (
    application_id uuid PRIMARY KEY REFERENCES application,
    association_id uuid NOT NULL,
    company_id uuid NOT NULL,
    person_id uuid NOT NULL,
    version integer NOT NULL DEFAULT 1,
    events jsonb NOT NULL,
    told_at timestamptz NOT NULL
);
CREATE INDEX calendar_invitation_of_person ON calendar_invitation (person_id);
-- Every mail counts: a calendar takes the highest SEQUENCE for the truth (RFC 5546, 2.1.4).
CREATE TRIGGER calendar_invitation_version BEFORE UPDATE ON calendar_invitation FOR EACH ROW
    EXECUTE FUNCTION count_version();
CREATE TRIGGER calendar_invitation_of_living_person BEFORE INSERT ON calendar_invitation FOR EACH ROW
    EXECUTE FUNCTION require_living_person();

CREATE TABLE calendar_feed (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    digest bytea NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT calendar_feed_one_a_person UNIQUE (person_id),
    CONSTRAINT calendar_feed_digest_unique UNIQUE (digest)
);
CREATE TRIGGER calendar_feed_of_living_person BEFORE INSERT ON calendar_feed FOR EACH ROW
    EXECUTE FUNCTION require_living_person();

ALTER TABLE calendar_invitation ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE calendar_feed ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY calendar_invitation_seen ON calendar_invitation
    USING (person_id = app_person()
           OR (app_is('system') AND (association_id = ANY (app_associations()) OR company_id = app_company())));
CREATE POLICY calendar_feed_own ON calendar_feed USING (person_id = app_person() OR app_is('system'));
GRANT SELECT, INSERT, UPDATE ON calendar_invitation TO maillon_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON calendar_feed TO maillon_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON calendar_invitation, calendar_feed TO maillon_ops;

-- Whose feed an address opens, as long as they have a door of their own: a job, or an address that they proved.
CREATE FUNCTION reader_of_calendar(presented bytea) RETURNS TABLE (person_id uuid, language text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT p.id, p.language FROM calendar_feed f JOIN person p ON p.id = f.person_id
    WHERE f.digest = presented AND p.erased_at IS NULL
      AND (EXISTS (SELECT FROM employee e WHERE e.person_id = p.id AND e.active)
           OR EXISTS (SELECT FROM person_email o WHERE o.person_id = p.id AND o.proved_at IS NOT NULL))
$$;

-- As contact_of(), of one engagement, also for the mail that tells its calendar.
CREATE FUNCTION contact_of_engagement(application uuid) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (
        SELECT CASE WHEN p.id IS NULL THEN m.contact - 'person_id' ELSE jsonb_build_object(
                   'name', trim(p.given_name || ' ' || p.family_name), 'phone', m.contact ->> 'phone',
                   'email', (SELECT email FROM person_email e WHERE e.person_id = p.id AND e.proved_at IS NOT NULL
                             ORDER BY e.proved_at, e.id LIMIT 1)) END
        FROM application a JOIN mission m ON m.id = a.mission_id
        LEFT JOIN person p ON p.id = (m.contact ->> 'person_id')::uuid
        WHERE a.id = application AND m.contact IS NOT NULL
          AND a.state IN ('accepted', 'completed') AND a.employer_approval IN ('not_required', 'approved')
          AND (a.person_id = app_person() OR (app_is('system') AND a.association_id = ANY (app_associations()))));

CREATE FUNCTION forget_calendar() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    DELETE FROM calendar_feed WHERE person_id = NEW.id;
    DELETE FROM calendar_invitation WHERE person_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER person_calendar AFTER UPDATE ON person FOR EACH ROW
    WHEN (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL) EXECUTE FUNCTION forget_calendar();
