-- Keys of organisations: shown once, kept as digests, each with its scopes.
CREATE TABLE api_key (
    id uuid PRIMARY KEY,
    company_id uuid REFERENCES company ON DELETE CASCADE,
    association_id uuid REFERENCES association ON DELETE CASCADE,
    name text NOT NULL,
    digest bytea NOT NULL,
    scopes text[] NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT api_key_digest_unique UNIQUE (digest),
    CONSTRAINT api_key_of_one_organisation CHECK ((company_id IS NULL) <> (association_id IS NULL)),
    CONSTRAINT api_key_scopes_known CHECK (scopes <> '{}' AND scopes <@ ARRAY['missions:read', 'missions:write',
        'applications:read', 'applications:write', 'hours:read', 'hours:write', 'ledger:read', 'reports:read',
        'employees:read', 'webhooks:write']),
    CONSTRAINT api_key_lives_a_year CHECK (expires_at <= created_at + interval '366 days')
);
CREATE INDEX api_key_of_company ON api_key (company_id);
CREATE INDEX api_key_of_association ON api_key (association_id);

ALTER TABLE api_key ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY api_key_kept ON api_key USING (app_is('system') OR association_id = ANY (app_associations())
    OR (company_id = app_company() AND app_is('company_admin')));
GRANT SELECT, INSERT, UPDATE ON api_key TO maillon_app, maillon_ops;

-- Whose key it is, while it lives. Its last use is written at most once a minute: a read must not cost a write.
CREATE FUNCTION actor_by_key(presented bytea, at timestamptz)
    RETURNS TABLE (key_id uuid, company_id uuid, association_id uuid, scopes text[])
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE api_key k SET last_used_at = at
    WHERE k.digest = presented AND k.revoked_at IS NULL AND k.expires_at > at
      AND (k.last_used_at IS NULL OR k.last_used_at < at - interval '1 minute');
    RETURN QUERY SELECT k.id, k.company_id, k.association_id, k.scopes FROM api_key k
        LEFT JOIN association a ON a.id = k.association_id
        WHERE k.digest = presented AND k.revoked_at IS NULL AND k.expires_at > at
          AND (a.id IS NULL OR a.state <> 'closed');
END
$$;
ALTER FUNCTION actor_by_key(bytea, timestamptz) OWNER TO maillon_ops;
REVOKE ALL ON FUNCTION actor_by_key(bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION actor_by_key(bytea, timestamptz) TO maillon_app;
