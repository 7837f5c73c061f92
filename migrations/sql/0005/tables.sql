-- Who did what to which object: ids and codes alone, a log a tenant. The platform's bears the nil id.
CREATE TABLE audit_event (
    id uuid PRIMARY KEY,
    tenant_kind text NOT NULL,
    tenant_id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    action text NOT NULL,
    object_type text NOT NULL,
    object_id uuid NOT NULL,
    changes jsonb NOT NULL,
    CONSTRAINT audit_event_tenant_known CHECK (tenant_kind IN ('company', 'association', 'platform')),
    CONSTRAINT audit_event_actor_known CHECK (actor_kind IN
        ('person', 'key', 'system', 'company', 'association', 'platform')),
    CONSTRAINT audit_event_actor_named CHECK ((actor_kind IN ('person', 'key')) = (actor_id IS NOT NULL))
);
CREATE INDEX audit_event_of_tenant ON audit_event (tenant_id, at, id);
CREATE INDEX audit_event_of_object ON audit_event (object_id, at, id);

-- Its place in the tenant's chain, null until the worker seals it.
CREATE TABLE audit_seal (
    event_id uuid PRIMARY KEY REFERENCES audit_event,
    tenant_id uuid NOT NULL,
    sequence bigint,
    hash bytea,
    CONSTRAINT audit_seal_sequence_unique UNIQUE (tenant_id, sequence),
    CONSTRAINT audit_seal_whole CHECK ((sequence IS NULL) = (hash IS NULL))
);
CREATE INDEX audit_seal_waiting ON audit_seal (tenant_id, event_id) WHERE sequence IS NULL;

-- The end of each chain, out of the application's reach; the worker's log holds it outside the database too.
CREATE TABLE audit_head (
    tenant_id uuid PRIMARY KEY,
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    sealed_at timestamptz NOT NULL
);

CREATE TRIGGER audit_event_is_final BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_event_stays BEFORE TRUNCATE ON audit_event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_seal_is_final BEFORE UPDATE ON audit_seal
    FOR EACH ROW WHEN (OLD.sequence IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_seal_stays BEFORE DELETE OR TRUNCATE ON audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE audit_event ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_seal ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_head ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE FUNCTION platform_tenant() RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '00000000-0000-0000-0000-000000000000'::uuid;

CREATE POLICY audit_event_seen ON audit_event FOR SELECT USING (
    (tenant_id = app_company() AND app_is('hr', 'company_admin')) OR tenant_id = ANY (app_associations())
    OR (tenant_id = platform_tenant() AND app_is('admin')));
CREATE POLICY audit_seal_seen ON audit_seal FOR SELECT USING (
    (tenant_id = app_company() AND app_is('hr', 'company_admin')) OR tenant_id = ANY (app_associations())
    OR (tenant_id = platform_tenant() AND app_is('admin')));

GRANT SELECT ON audit_event, audit_seal TO maillon_app;
GRANT SELECT, INSERT ON audit_event TO maillon_ops;
GRANT SELECT, INSERT, UPDATE ON audit_seal, audit_head TO maillon_ops;
