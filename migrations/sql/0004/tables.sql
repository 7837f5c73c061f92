-- Where an employee comes from, and that they left: no token brings back who is not active.
ALTER TABLE employee
    ADD COLUMN external_id text,
    ADD COLUMN group_roles text[] NOT NULL DEFAULT '{}',
    ADD COLUMN deactivated_at timestamptz,
    ADD CONSTRAINT employee_group_roles_known CHECK (group_roles <@ '{employee,manager,hr,company_admin}'::text[]),
    ADD CONSTRAINT employee_active_or_since CHECK (active = (deactivated_at IS NULL));
CREATE UNIQUE INDEX employee_external_id_unique ON employee (company_id, external_id);
CREATE INDEX employee_left ON employee (company_id, deactivated_at) WHERE NOT active;

-- Which pages of a company may call us from a browser, and which groups of its directory give roles.
ALTER TABLE company
    ADD COLUMN origins text[] NOT NULL DEFAULT '{}',
    ADD COLUMN group_roles jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT company_origins_are_exact CHECK (NOT origins && '{*,null}'::text[]);
CREATE INDEX company_origin ON company USING gin (origins);

-- The secret of a client is sealed with a key that the database does not hold.
ALTER TABLE identity_provider
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN client_id text,
    ADD COLUMN client_secret text,
    ADD COLUMN employee_key jsonb,
    ADD CONSTRAINT identity_provider_secret_of_client CHECK (client_secret IS NULL OR client_id IS NOT NULL);
CREATE TRIGGER identity_provider_version BEFORE UPDATE ON identity_provider
    FOR EACH ROW EXECUTE FUNCTION count_version();

-- The door a session came through: what came through a company ends with the job there.
ALTER TABLE session
    ADD COLUMN company_id uuid REFERENCES company ON DELETE CASCADE,
    ADD COLUMN provider_id uuid REFERENCES identity_provider ON DELETE CASCADE,
    ADD COLUMN roles text[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT session_roles_of_company CHECK (roles = '{}' OR company_id IS NOT NULL);
CREATE INDEX session_company ON session (company_id);
CREATE INDEX session_provider ON session (provider_id);

-- A sign-in under way at a company's provider: the browser holds the secret, we its digest.
CREATE TABLE login (
    id uuid PRIMARY KEY,
    digest bytea NOT NULL,
    company_id uuid NOT NULL REFERENCES company ON DELETE CASCADE,
    provider_id uuid NOT NULL REFERENCES identity_provider ON DELETE CASCADE,
    person_id uuid REFERENCES person ON DELETE CASCADE,
    return_to text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
ALTER TABLE login
    ADD CONSTRAINT login_digest_unique UNIQUE (digest),
    ADD CONSTRAINT login_returns_to_own_path CHECK (return_to ~ '^/([^/\\]|$)');
CREATE INDEX login_company ON login (company_id);
CREATE INDEX login_provider ON login (provider_id);
CREATE INDEX login_person ON login (person_id);
CREATE INDEX login_age ON login (created_at);

ALTER TABLE login ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY login_system ON login USING (app_is('system'));
GRANT SELECT, INSERT, UPDATE, DELETE ON login TO maillon_app, maillon_ops;
