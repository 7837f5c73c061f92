-- A change of what was agreed: one side proposes, the other one answers.
CREATE TABLE change_proposal (
    id uuid PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    application_id uuid NOT NULL REFERENCES application,
    association_id uuid NOT NULL,
    person_id uuid NOT NULL,
    author_id uuid NOT NULL,
    from_association boolean NOT NULL,
    state text NOT NULL DEFAULT 'proposed',
    starts_on date,
    ends_on date,
    effort_minutes integer,
    sessions jsonb,
    message text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    CONSTRAINT change_proposal_state_known
        CHECK (state IN ('proposed', 'accepted', 'declined', 'withdrawn', 'expired')),
    CONSTRAINT change_proposal_changes_something
        CHECK (num_nonnulls(starts_on, ends_on, effort_minutes, sessions) > 0)
);
CREATE UNIQUE INDEX change_proposal_one_open ON change_proposal (application_id) WHERE state = 'proposed';
CREATE INDEX change_proposal_of_application ON change_proposal (application_id, id);
CREATE INDEX change_proposal_of_person ON change_proposal (person_id);
ALTER TABLE change_proposal ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- The two sides alone: the employer is asked again where the effort grows, and reads what was agreed.
CREATE POLICY change_proposal_of_sides ON change_proposal
    USING (person_id = app_person() OR association_id = ANY (app_associations()));
GRANT SELECT, INSERT, UPDATE ON change_proposal TO maillon_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON change_proposal TO maillon_ops;

INSERT INTO state_edge (object, from_state, to_state) VALUES
    ('change_proposal', '', 'proposed'),
    ('change_proposal', 'proposed', 'accepted'), ('change_proposal', 'proposed', 'declined'),
    ('change_proposal', 'proposed', 'withdrawn'), ('change_proposal', 'proposed', 'expired');
CREATE TRIGGER change_proposal_version BEFORE UPDATE ON change_proposal FOR EACH ROW EXECUTE FUNCTION count_version();
CREATE TRIGGER change_proposal_begins AFTER INSERT ON change_proposal FOR EACH ROW EXECUTE FUNCTION record_state();
CREATE TRIGGER change_proposal_moves AFTER UPDATE ON change_proposal FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION record_state();

-- What is proposed lasts as long as the engagement: both want the application's row.
CREATE FUNCTION require_engagement() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM FROM application WHERE id = NEW.application_id AND state = 'accepted' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'only an engagement is changed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'change_proposal_of_engagement';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER change_proposal_of_engagement BEFORE INSERT ON change_proposal FOR EACH ROW
    EXECUTE FUNCTION require_engagement();
CREATE FUNCTION drop_changes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE change_proposal SET state = 'expired' WHERE application_id = NEW.id AND state = 'proposed';
    RETURN NULL;
END
$$;
CREATE TRIGGER application_drops_changes AFTER UPDATE ON application FOR EACH ROW
    WHEN (OLD.state = 'accepted' AND NEW.state <> 'accepted') EXECUTE FUNCTION drop_changes();

-- An employer agreed to so many minutes: more are asked for again, by the policy of that day.
ALTER TABLE application ADD COLUMN approval_asked_at timestamptz;
SET LOCAL ROLE maillon_ops;
UPDATE application SET approval_asked_at = created_at WHERE approval_due_at IS NOT NULL;
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE application ADD CONSTRAINT application_approval_was_asked
    CHECK (employer_approval <> 'pending' OR approval_asked_at IS NOT NULL);
CREATE FUNCTION ask_again() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    rules record;
BEGIN
    SELECT p.approval, least(maillon_now() + make_interval(days => p.approval_days),
               CASE WHEN first > maillon_now() THEN first END) AS due
    INTO STRICT rules
    FROM company c, policy p, mission m, LATERAL (SELECT NEW.agreed_starts_on::timestamp AT TIME ZONE m.time_zone AS first)
    WHERE c.id = NEW.company_id AND p.company_id = c.id AND m.id = NEW.mission_id
      AND p.effective_from <= (maillon_now() AT TIME ZONE c.time_zone)::date
    ORDER BY p.effective_from DESC LIMIT 1;
    IF rules.approval <> 'automatic' THEN
        NEW.employer_approval := 'pending';
        NEW.approval_asked_at := maillon_now();
        NEW.approval_due_at := rules.due;
        NEW.manager_id := CASE rules.approval
            WHEN 'manager' THEN (SELECT manager_id FROM employee WHERE id = NEW.employee_id) END;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER application_asks_again BEFORE UPDATE ON application FOR EACH ROW
    WHEN (NEW.regime = 'working_time' AND OLD.state = 'accepted' AND NEW.state = 'accepted'
          AND NEW.agreed_minutes > OLD.agreed_minutes) EXECUTE FUNCTION ask_again();

CREATE OR REPLACE FUNCTION forget_messages() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    DELETE FROM message WHERE person_id = NEW.id;
    UPDATE message SET text = '' WHERE author_id = NEW.id;
    UPDATE change_proposal SET message = '' WHERE person_id = NEW.id OR author_id = NEW.id;
    UPDATE application SET state_reason = NULL WHERE person_id = NEW.id AND state = 'cancelled';
    UPDATE state_event SET reason = NULL
    WHERE object = 'application' AND person_id = NEW.id AND to_state = 'cancelled' AND reason IS NOT NULL;
    RETURN NULL;
END
$$;
