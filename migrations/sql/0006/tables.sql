-- What a company's directory says of an employee. The keys are what names are compared by: an operator on lower(…)
-- may not pass a wall before it, so that an index on the expression would never be read.
ALTER TABLE employee
    ADD COLUMN user_name text,
    ADD COLUMN user_name_key text NOT NULL GENERATED ALWAYS AS (lower(coalesce(email, id::text))) STORED,
    ADD COLUMN email_key text GENERATED ALWAYS AS (lower(email)) STORED,
    ADD COLUMN employee_number text,
    ADD COLUMN preferred_language text,
    ADD COLUMN grade text,
    ADD COLUMN provisioned_at timestamptz,
    ADD COLUMN deleted_at timestamptz,
    ADD COLUMN updated_at timestamptz NOT NULL GENERATED ALWAYS AS (created_at) STORED;
-- From here on a trigger writes them: a generated column takes no part in an insert of whole rows.
ALTER TABLE employee
    ALTER COLUMN user_name_key DROP EXPRESSION,
    ALTER COLUMN email_key DROP EXPRESSION,
    ALTER COLUMN updated_at DROP EXPRESSION,
    ADD CONSTRAINT employee_deleted_is_inactive CHECK (deleted_at IS NULL OR NOT active);
-- The name of somebody who was deleted is free: it may be another's by now.
CREATE UNIQUE INDEX employee_user_name_unique ON employee (company_id, user_name_key)
    WHERE user_name IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX employee_user_name ON employee (company_id, user_name_key);
CREATE INDEX employee_email ON employee (company_id, email_key);
CREATE INDEX employee_with_group_roles ON employee (company_id) WHERE group_roles <> '{}';

ALTER TABLE company ADD CONSTRAINT company_group_roles_known CHECK (
    jsonb_path_query_array(group_roles, '$.*') <@ '["employee", "manager", "hr", "company_admin"]');

-- A directory's secret, kept as a digest. Two slots: one token for each while another replaces it.
CREATE TABLE scim_token (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES company ON DELETE CASCADE,
    slot integer NOT NULL,
    name text NOT NULL,
    digest bytea NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT scim_token_digest_unique UNIQUE (digest),
    CONSTRAINT scim_token_slot_known CHECK (slot IN (1, 2)),
    CONSTRAINT scim_token_lives_a_year CHECK (expires_at <= created_at + interval '366 days')
);
CREATE UNIQUE INDEX scim_token_two_living ON scim_token (company_id, slot) WHERE revoked_at IS NULL;
CREATE INDEX scim_token_of_company ON scim_token (company_id);

CREATE TABLE scim_group (
    id uuid PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    company_id uuid NOT NULL REFERENCES company ON DELETE CASCADE,
    display_name text NOT NULL,
    external_id text,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT scim_group_in_company UNIQUE (company_id, id),
    CONSTRAINT scim_group_external_id_unique UNIQUE (company_id, external_id)
);
CREATE UNIQUE INDEX scim_group_display_name_unique ON scim_group (company_id, lower(display_name));

CREATE TABLE scim_group_member (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    group_id uuid NOT NULL,
    employee_id uuid NOT NULL,
    CONSTRAINT scim_group_member_unique UNIQUE (company_id, group_id, employee_id),
    CONSTRAINT scim_group_member_of_group FOREIGN KEY (company_id, group_id)
        REFERENCES scim_group (company_id, id) ON DELETE CASCADE,
    CONSTRAINT scim_group_member_of_employee FOREIGN KEY (company_id, employee_id) REFERENCES employee (company_id, id)
);
CREATE INDEX scim_group_member_employee ON scim_group_member (company_id, employee_id);

ALTER TABLE scim_token ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE scim_group ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE scim_group_member ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY scim_token_kept ON scim_token USING ((company_id = app_company() AND app_is('company_admin'))
    OR (app_company() IS NULL AND app_is('system')));
CREATE POLICY scim_group_kept ON scim_group USING (company_id = app_company() AND app_is('system'));
CREATE POLICY scim_group_member_kept ON scim_group_member USING (company_id = app_company() AND app_is('system'));
GRANT SELECT, INSERT, UPDATE ON scim_token TO maillon_app, maillon_ops;
GRANT SELECT, INSERT, UPDATE, DELETE ON scim_group, scim_group_member TO maillon_app, maillon_ops;
