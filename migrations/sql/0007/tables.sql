-- Whom Maillon has forgotten: the row stays as the anchor of hours and ledger, and takes no name any more.
ALTER TABLE person
    ADD COLUMN erased_at timestamptz,
    ADD COLUMN seen_at timestamptz,
    ADD COLUMN warned_at timestamptz;
ALTER TABLE employee
    ADD COLUMN erased_at timestamptz,
    ADD CONSTRAINT employee_erased_is_inactive CHECK (erased_at IS NULL OR NOT active);
CREATE INDEX person_waiting ON person ((coalesce(seen_at, created_at))) WHERE erased_at IS NULL;

-- How a company's provider or directory named an employee who was erased, as a digest: by it they are refused, or
-- met again once HR has brought them back.
CREATE TABLE tombstone (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    employee_id uuid NOT NULL,
    digest bytea NOT NULL,
    CONSTRAINT tombstone_of_employee FOREIGN KEY (company_id, employee_id) REFERENCES employee (company_id, id),
    CONSTRAINT tombstone_digest_unique UNIQUE (company_id, digest)
);
CREATE INDEX tombstone_employee ON tombstone (company_id, employee_id);
ALTER TABLE tombstone ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tombstone_system ON tombstone USING (company_id = app_company() AND app_is('system'));
GRANT SELECT, DELETE ON tombstone TO maillon_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON tombstone TO maillon_ops;

-- Everything that holds a person, written by the worker, for them alone.
CREATE TABLE export (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    asked_at timestamptz NOT NULL,
    as_of timestamptz,
    document bytea,
    sha256 bytea,
    expires_at timestamptz NOT NULL,
    CONSTRAINT export_is_whole_or_waits CHECK (num_nonnulls(as_of, document, sha256) IN (0, 3)),
    CONSTRAINT export_is_what_it_says CHECK (sha256 = sha256(document))
);
CREATE UNIQUE INDEX export_one_asked ON export (person_id) WHERE as_of IS NULL;
CREATE INDEX export_person ON export (person_id, asked_at);
CREATE INDEX export_age ON export (expires_at);
ALTER TABLE export ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY export_own ON export USING (person_id = app_person());
GRANT SELECT, INSERT, UPDATE ON export TO maillon_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON export TO maillon_ops;

-- For how long, from which day on. What has been in force is never rewritten: it answers for what was purged.
CREATE TABLE retention_rule (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    effective_from date NOT NULL,
    days integer NOT NULL,
    CONSTRAINT retention_rule_kind_known CHECK (kind IN ('sign_in', 'notice', 'invitation', 'application', 'inactive')),
    CONSTRAINT retention_rule_days_bounded CHECK (days BETWEEN 1 AND 3650),
    CONSTRAINT retention_rule_one_a_day UNIQUE (kind, effective_from)
);
INSERT INTO retention_rule (id, kind, effective_from, days) VALUES
    (uuidv7(), 'sign_in', '2000-01-01', 1), (uuidv7(), 'notice', '2000-01-01', 365),
    (uuidv7(), 'invitation', '2000-01-01', 365), (uuidv7(), 'application', '2000-01-01', 730),
    (uuidv7(), 'inactive', '2000-01-01', 1095);
ALTER TABLE retention_rule ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY retention_rule_known ON retention_rule FOR SELECT USING (true);
GRANT SELECT ON retention_rule TO maillon_app;
GRANT SELECT, INSERT, UPDATE ON retention_rule TO maillon_ops;

-- What the purges scan, by age, without what they have done already; and what an export and an erasure look up.
CREATE INDEX session_age ON session (expires_at);
CREATE INDEX invitation_age ON invitation (expires_at);
CREATE INDEX invitation_address ON invitation (email);
CREATE INDEX mail_age ON mail (created_at) WHERE finished_at IS NOT NULL;
CREATE INDEX mail_address ON mail (to_address) WHERE person_id IS NULL;
CREATE INDEX notification_age ON notification (created_at);
CREATE INDEX notification_about ON notification (about_id);
CREATE INDEX application_with_texts ON application (created_at)
    WHERE (message <> '' OR applicant_email IS NOT NULL OR employer_reason IS NOT NULL)
        AND state NOT IN ('submitted', 'shortlisted', 'waitlisted', 'offered', 'accepted');
CREATE INDEX audit_event_of_actor ON audit_event (actor_id, at) WHERE actor_kind = 'person';
