CREATE TABLE person (
    id uuid PRIMARY KEY,
    given_name text NOT NULL DEFAULT '',
    family_name text NOT NULL DEFAULT '',
    language text NOT NULL DEFAULT 'fr',
    time_zone text NOT NULL DEFAULT 'Europe/Paris',
    created_at timestamptz NOT NULL
);

CREATE TABLE person_email (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    email text NOT NULL,
    proved_at timestamptz
);

CREATE TABLE association (
    id uuid PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    state text NOT NULL DEFAULT 'unverified',
    state_reason text,
    name text NOT NULL,
    legal_form text NOT NULL,
    purpose text NOT NULL,
    rna text,
    siren text,
    siret text,
    street text,
    postal_code text NOT NULL,
    city text NOT NULL,
    latitude double precision,
    longitude double precision,
    causes text[] NOT NULL DEFAULT '{}',
    website text,
    contact_email text NOT NULL,
    public_interest text NOT NULL DEFAULT 'unknown',
    created_at timestamptz NOT NULL
);

CREATE TABLE association_member (
    id uuid PRIMARY KEY,
    association_id uuid NOT NULL REFERENCES association ON DELETE CASCADE,
    person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    role text NOT NULL,
    since timestamptz NOT NULL
);

CREATE TABLE company (
    id uuid PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    slug text NOT NULL,
    name text NOT NULL,
    siren text NOT NULL,
    legal_form text,
    time_zone text NOT NULL DEFAULT 'Europe/Paris',
    created_at timestamptz NOT NULL
);

CREATE TABLE employee (
    id uuid PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    company_id uuid NOT NULL REFERENCES company ON DELETE CASCADE,
    person_id uuid NOT NULL REFERENCES person,
    given_name text NOT NULL DEFAULT '',
    family_name text NOT NULL DEFAULT '',
    email text,
    roles text[] NOT NULL DEFAULT '{}',
    site text,
    department text,
    manager_id uuid,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL
);

CREATE TABLE policy (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES company ON DELETE CASCADE,
    effective_from date NOT NULL,
    regimes text[] NOT NULL DEFAULT '{}',
    legal_form text NOT NULL DEFAULT 'service',
    approval text NOT NULL DEFAULT 'manager',
    hours_approval text NOT NULL DEFAULT 'automatic',
    just_in_time boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL
);

CREATE TABLE identity_provider (
    id uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES company ON DELETE CASCADE,
    issuer text NOT NULL,
    audience text NOT NULL,
    jwks_url text,
    role_claim jsonb,
    created_at timestamptz NOT NULL
);

CREATE TABLE identity (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    company_id uuid NOT NULL REFERENCES company ON DELETE CASCADE,
    issuer text NOT NULL,
    subject text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE session (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    digest bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE platform_role (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    role text NOT NULL
);

CREATE TABLE mission (
    id uuid PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    association_id uuid NOT NULL REFERENCES association,
    state text NOT NULL DEFAULT 'draft',
    state_reason text,
    title text NOT NULL DEFAULT '',
    summary text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    deliverable text NOT NULL DEFAULT '',
    format text,
    causes text[] NOT NULL DEFAULT '{}',
    places integer NOT NULL DEFAULT 1,
    taken integer NOT NULL DEFAULT 0,
    effort_minutes integer,
    regimes text[] NOT NULL DEFAULT '{}',
    remote text NOT NULL DEFAULT 'no',
    location_label text,
    postal_code text,
    latitude double precision,
    longitude double precision,
    time_zone text NOT NULL DEFAULT 'Europe/Paris',
    starts_on date,
    ends_on date,
    apply_by date,
    languages text[] NOT NULL DEFAULT '{}',
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    published_at timestamptz
);

CREATE TABLE mission_search (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    association_id uuid NOT NULL,
    association_name text NOT NULL,
    title text NOT NULL,
    summary text NOT NULL,
    format text NOT NULL,
    causes text[] NOT NULL DEFAULT '{}',
    places integer NOT NULL,
    places_left integer NOT NULL,
    effort_minutes integer NOT NULL,
    regimes text[] NOT NULL DEFAULT '{}',
    remote text NOT NULL,
    location_label text,
    postal_code text,
    starts_on date NOT NULL,
    ends_on date,
    apply_by date,
    languages text[] NOT NULL DEFAULT '{}',
    published_at timestamptz NOT NULL
);

CREATE TABLE application (
    id uuid PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    mission_id uuid NOT NULL REFERENCES mission,
    association_id uuid NOT NULL,
    company_id uuid NOT NULL,
    employee_id uuid NOT NULL,
    manager_id uuid,
    person_id uuid NOT NULL,
    applicant_name text NOT NULL,
    applicant_email text,
    state text NOT NULL DEFAULT 'submitted',
    state_reason text,
    regime text NOT NULL,
    legal_form text,
    employer_approval text NOT NULL DEFAULT 'not_required',
    employer_reason text,
    message text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL
);

CREATE TABLE hours_entry (
    id uuid PRIMARY KEY,
    version integer NOT NULL DEFAULT 1,
    application_id uuid NOT NULL REFERENCES application,
    mission_id uuid NOT NULL,
    association_id uuid NOT NULL,
    company_id uuid NOT NULL,
    employee_id uuid NOT NULL,
    person_id uuid NOT NULL,
    manager_id uuid,
    regime text NOT NULL,
    state text NOT NULL DEFAULT 'declared',
    state_reason text,
    worked_on date NOT NULL,
    minutes integer NOT NULL,
    declared_minutes integer NOT NULL,
    note text NOT NULL DEFAULT '',
    confirmed_by uuid,
    approved_by uuid,
    created_at timestamptz NOT NULL
);

CREATE TABLE ledger_line (
    id uuid PRIMARY KEY,
    sequence bigint NOT NULL,
    hours_id uuid NOT NULL REFERENCES hours_entry,
    company_id uuid NOT NULL,
    employee_id uuid NOT NULL,
    person_id uuid NOT NULL,
    association_id uuid NOT NULL,
    mission_id uuid NOT NULL,
    regime text NOT NULL,
    legal_form text,
    department text,
    site text,
    cause text,
    worked_on date NOT NULL,
    posted_on date NOT NULL,
    posted_at timestamptz NOT NULL,
    minutes integer NOT NULL
);

CREATE TABLE ledger_head (
    company_id uuid PRIMARY KEY,
    sequence bigint NOT NULL DEFAULT 0,
    posted_at timestamptz NOT NULL
);

CREATE TABLE notification (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    kind text NOT NULL,
    title text NOT NULL,
    text text NOT NULL,
    about_type text NOT NULL,
    about_id uuid NOT NULL,
    unique_key text NOT NULL,
    created_at timestamptz NOT NULL,
    read_at timestamptz
);

CREATE TABLE mail (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    kind text NOT NULL,
    to_address text NOT NULL,
    language text NOT NULL,
    subject text NOT NULL,
    text text NOT NULL,
    unique_key text NOT NULL,
    state text NOT NULL DEFAULT 'pending',
    attempts integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL,
    paced boolean NOT NULL DEFAULT false,
    resent_at timestamptz,
    attempting_at timestamptz,
    finished_at timestamptz,
    reply text,
    created_at timestamptz NOT NULL
);

CREATE TABLE mail_domain (
    domain text PRIMARY KEY,
    next_at timestamptz NOT NULL
);

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    fact text NOT NULL,
    payload bytea NOT NULL,
    company_id uuid,
    association_id uuid,
    recorded_at timestamptz NOT NULL,
    relayed_at timestamptz
);

CREATE TABLE reaction (
    id uuid PRIMARY KEY,
    fact_id uuid NOT NULL REFERENCES outbox ON DELETE CASCADE,
    name text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    done_at timestamptz,
    failed_at timestamptz,
    error text
);

CREATE TABLE idempotency_key (
    id serial PRIMARY KEY,
    person_id uuid NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status integer NOT NULL,
    headers bytea NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE state_event (
    id uuid PRIMARY KEY,
    object text NOT NULL,
    object_id uuid NOT NULL,
    company_id uuid,
    association_id uuid,
    person_id uuid,
    from_state text,
    to_state text NOT NULL,
    reason text,
    by_person uuid,
    at timestamptz NOT NULL
);

CREATE TABLE state_edge (
    id serial PRIMARY KEY,
    object text NOT NULL,
    from_state text NOT NULL,
    to_state text NOT NULL
);
