-- Digests alone: neither a code nor what the browser holds can be read here.
CREATE TABLE magic_link (
    id uuid PRIMARY KEY,
    request_digest bytea NOT NULL,
    proof_digest bytea NOT NULL,
    email text NOT NULL,
    person_id uuid REFERENCES person ON DELETE CASCADE,
    network text NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
ALTER TABLE magic_link
    ADD CONSTRAINT magic_link_request_unique UNIQUE (request_digest),
    ADD CONSTRAINT magic_link_attempts_bounded CHECK (attempts BETWEEN 0 AND 5),
    ADD CONSTRAINT magic_link_email_lower CHECK (email = lower(email));
CREATE INDEX magic_link_of_address ON magic_link (email, created_at);
CREATE INDEX magic_link_of_network ON magic_link (network, created_at);
CREATE INDEX magic_link_age ON magic_link (created_at);
CREATE INDEX magic_link_person ON magic_link (person_id);

CREATE TABLE invitation (
    id uuid PRIMARY KEY,
    association_id uuid NOT NULL REFERENCES association ON DELETE CASCADE,
    email text NOT NULL,
    role text NOT NULL,
    digest bytea NOT NULL,
    invited_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    accepted_by uuid,
    revoked_at timestamptz
);
ALTER TABLE invitation
    ADD CONSTRAINT invitation_digest_unique UNIQUE (digest),
    ADD CONSTRAINT invitation_role_known CHECK (role IN ('owner', 'coordinator')),
    ADD CONSTRAINT invitation_email_lower CHECK (email = lower(email)),
    ADD CONSTRAINT invitation_ends_once CHECK (accepted_at IS NULL OR revoked_at IS NULL),
    ADD CONSTRAINT invitation_accepted_by_somebody CHECK ((accepted_at IS NULL) = (accepted_by IS NULL));
CREATE INDEX invitation_of_association ON invitation (association_id, created_at);
CREATE UNIQUE INDEX invitation_one_open ON invitation (association_id, email)
    WHERE accepted_at IS NULL AND revoked_at IS NULL;

ALTER TABLE association_member ADD COLUMN version integer NOT NULL DEFAULT 1;
CREATE TRIGGER association_member_version BEFORE UPDATE ON association_member
    FOR EACH ROW EXECUTE FUNCTION count_version();

-- A mail with a code goes to an address that may be nobody's yet.
ALTER TABLE mail ALTER COLUMN person_id DROP NOT NULL;
