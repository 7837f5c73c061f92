-- Row-level security: every table that holds tenant data, forced, reading only its own columns and the settings
-- app.person, app.company, app.employee, app.association (an array), app.role (an array).

CREATE FUNCTION app_person() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.person', true), '')::uuid;
CREATE FUNCTION app_company() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.company', true), '')::uuid;
CREATE FUNCTION app_employee() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.employee', true), '')::uuid;
CREATE FUNCTION app_associations() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.association', true), '')::uuid[];
CREATE FUNCTION app_is(VARIADIC roles text[]) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(nullif(current_setting('app.role', true), '')::text[] && roles, false);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['person', 'person_email', 'association', 'association_member', 'company', 'employee',
        'policy', 'identity_provider', 'identity', 'session', 'platform_role', 'mission', 'application', 'hours_entry',
        'ledger_line', 'ledger_head', 'notification', 'mail', 'outbox', 'reaction', 'idempotency_key', 'state_event']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
    END LOOP;
END
$$;

CREATE POLICY person_own ON person USING (id = app_person() OR app_is('system'));
CREATE POLICY person_email_own ON person_email USING (person_id = app_person() OR app_is('system'));
CREATE POLICY identity_provider_company ON identity_provider
    USING (company_id = app_company() AND app_is('company_admin', 'system'));
CREATE POLICY identity_system ON identity USING (company_id = app_company() AND app_is('system'));
CREATE POLICY session_own ON session USING (person_id = app_person() OR app_is('system'));
CREATE POLICY platform_role_own ON platform_role FOR SELECT USING (person_id = app_person() OR app_is('admin', 'system'));
CREATE POLICY platform_role_given ON platform_role USING (app_is('admin', 'system'));

CREATE POLICY association_seen ON association FOR SELECT
    USING (state <> 'refused' OR id = ANY (app_associations()) OR app_is('moderator', 'admin'));
CREATE POLICY association_registered ON association FOR INSERT WITH CHECK (id = ANY (app_associations()));
CREATE POLICY association_kept ON association FOR UPDATE
    USING (id = ANY (app_associations()) OR app_is('moderator'));
CREATE POLICY association_member_seen ON association_member FOR SELECT
    USING (association_id = ANY (app_associations()) OR person_id = app_person());
CREATE POLICY association_member_kept ON association_member USING (association_id = ANY (app_associations()));

CREATE POLICY company_seen ON company FOR SELECT USING (id = app_company() OR app_is('admin'));
CREATE POLICY company_kept ON company USING (id = app_company() AND app_is('company_admin', 'system'));
CREATE POLICY employee_seen ON employee FOR SELECT USING (company_id = app_company()
    AND (person_id = app_person() OR manager_id = app_employee() OR app_is('hr', 'company_admin', 'system')));
CREATE POLICY employee_kept ON employee
    USING (company_id = app_company() AND app_is('hr', 'company_admin', 'system'));
CREATE POLICY policy_seen ON policy FOR SELECT USING (company_id = app_company());
CREATE POLICY policy_set ON policy USING (company_id = app_company() AND app_is('hr', 'company_admin', 'system'));

CREATE POLICY mission_seen ON mission FOR SELECT
    USING (published_at IS NOT NULL OR association_id = ANY (app_associations()) OR app_is('moderator'));
CREATE POLICY mission_written ON mission FOR INSERT WITH CHECK (association_id = ANY (app_associations()));
CREATE POLICY mission_edited ON mission FOR UPDATE
    USING (association_id = ANY (app_associations()) OR app_is('moderator'));
CREATE POLICY mission_deleted ON mission FOR DELETE
    USING (association_id = ANY (app_associations()) AND state = 'draft');

-- Personal time never reaches an employer: the company's branch asks for working time.
CREATE POLICY application_seen ON application USING (
    person_id = app_person() OR association_id = ANY (app_associations())
    OR (company_id = app_company()
        AND (app_is('system') OR (regime = 'working_time' AND (app_is('hr') OR manager_id = app_employee())))));
CREATE POLICY hours_entry_seen ON hours_entry USING (
    person_id = app_person() OR association_id = ANY (app_associations())
    OR (company_id = app_company()
        AND (app_is('system') OR (regime = 'working_time' AND (app_is('hr') OR manager_id = app_employee())))));
CREATE POLICY ledger_line_seen ON ledger_line FOR SELECT USING (
    person_id = app_person() OR association_id = ANY (app_associations())
    OR (company_id = app_company() AND (app_is('system') OR (regime = 'working_time' AND app_is('hr')))));
CREATE POLICY state_event_seen ON state_event FOR SELECT USING (
    person_id = app_person() OR association_id = ANY (app_associations()) OR app_is('moderator')
    OR (company_id = app_company() AND app_is('hr', 'manager', 'system')));

CREATE POLICY notification_own ON notification USING (person_id = app_person() OR app_is('system'));
CREATE POLICY mail_system ON mail USING (app_is('system'));
CREATE POLICY outbox_recorded ON outbox FOR INSERT WITH CHECK (true);
CREATE POLICY outbox_read ON outbox FOR SELECT USING (app_is('system'));
CREATE POLICY reaction_system ON reaction USING (app_is('system'));
CREATE POLICY idempotency_key_own ON idempotency_key USING (person_id = app_person());

-- What the two other roles may touch at all.
GRANT USAGE ON SCHEMA public TO maillon_app, maillon_ops;
GRANT CREATE ON SCHEMA public TO maillon_ops;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO maillon_app, maillon_ops;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO maillon_app, maillon_ops;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON ledger_line, ledger_head, state_event, state_edge, mission_search, migration
    FROM maillon_app;
REVOKE SELECT ON ledger_head FROM maillon_app;
REVOKE DELETE ON application, association, company, employee, hours_entry, policy, mail, outbox, reaction FROM maillon_app;
