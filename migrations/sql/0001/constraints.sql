-- Every rule that one row, or one row and its parent, can state.

ALTER TABLE person
    ADD CONSTRAINT person_language_known CHECK (language IN ('fr', 'en'));
ALTER TABLE person_email
    ADD CONSTRAINT person_email_unique UNIQUE (email),
    ADD CONSTRAINT person_email_lower CHECK (email = lower(email));
CREATE INDEX person_email_person ON person_email (person_id);

ALTER TABLE association
    ADD CONSTRAINT association_state_known CHECK (state IN ('unverified', 'verified', 'refused', 'suspended', 'closed')),
    ADD CONSTRAINT association_rna_unique UNIQUE (rna),
    ADD CONSTRAINT association_siret_unique UNIQUE (siret);
CREATE INDEX association_listed ON association (name, id) WHERE state = 'verified';
CREATE INDEX association_waiting ON association (created_at, id) WHERE state = 'unverified';

ALTER TABLE association_member
    ADD CONSTRAINT association_member_unique UNIQUE (association_id, person_id),
    ADD CONSTRAINT association_member_role_known CHECK (role IN ('owner', 'coordinator'));
CREATE INDEX association_member_person ON association_member (person_id);

ALTER TABLE company
    ADD CONSTRAINT company_slug_unique UNIQUE (slug),
    ADD CONSTRAINT company_siren_unique UNIQUE (siren);

ALTER TABLE employee
    ADD CONSTRAINT employee_person_unique UNIQUE (company_id, person_id),
    ADD CONSTRAINT employee_tenant UNIQUE (company_id, id, person_id),
    ADD CONSTRAINT employee_in_company UNIQUE (company_id, id),
    ADD CONSTRAINT employee_manager_in_company FOREIGN KEY (company_id, manager_id) REFERENCES employee (company_id, id),
    ADD CONSTRAINT employee_not_own_manager CHECK (manager_id <> id),
    ADD CONSTRAINT employee_roles_known CHECK (roles <@ '{employee,manager,hr,company_admin}'::text[]);
CREATE UNIQUE INDEX employee_one_active_job ON employee (person_id) WHERE active;

ALTER TABLE policy
    ADD CONSTRAINT policy_one_a_day UNIQUE (company_id, effective_from),
    ADD CONSTRAINT policy_regimes_known CHECK (regimes <@ '{working_time,personal_time}'::text[]),
    ADD CONSTRAINT policy_legal_form_known CHECK (legal_form IN ('service', 'secondment')),
    ADD CONSTRAINT policy_approval_known CHECK (approval IN ('automatic', 'manager', 'hr')),
    ADD CONSTRAINT policy_hours_approval_known CHECK (hours_approval IN ('automatic', 'manager', 'hr'));

ALTER TABLE identity_provider
    ADD CONSTRAINT identity_provider_unique UNIQUE (issuer, audience);
CREATE INDEX identity_provider_company ON identity_provider (company_id);
ALTER TABLE identity
    ADD CONSTRAINT identity_unique UNIQUE (company_id, issuer, subject);
CREATE INDEX identity_person ON identity (person_id);
ALTER TABLE session
    ADD CONSTRAINT session_digest_unique UNIQUE (digest);
CREATE INDEX session_person ON session (person_id);
ALTER TABLE platform_role
    ADD CONSTRAINT platform_role_unique UNIQUE (person_id, role),
    ADD CONSTRAINT platform_role_known CHECK (role IN ('moderator', 'facilitator', 'admin'));

ALTER TABLE mission
    ADD CONSTRAINT mission_state_known CHECK (state IN ('draft', 'submitted', 'rejected', 'published', 'paused',
        'in_progress', 'completed', 'cancelled', 'expired')),
    ADD CONSTRAINT mission_places_positive CHECK (places > 0),
    ADD CONSTRAINT mission_places_not_oversold CHECK (taken BETWEEN 0 AND places),
    ADD CONSTRAINT mission_tenant UNIQUE (id, association_id),
    ADD CONSTRAINT mission_dates_in_order CHECK (starts_on <= ends_on AND apply_by <= ends_on),
    ADD CONSTRAINT mission_published_is_complete CHECK (published_at IS NULL
        OR (format IS NOT NULL AND effort_minutes > 0 AND starts_on IS NOT NULL AND title <> '' AND regimes <> '{}'));
CREATE INDEX mission_of_association ON mission (association_id, created_at DESC, id DESC);
CREATE INDEX mission_waiting ON mission (created_at, id) WHERE state = 'submitted';
CREATE INDEX mission_search_newest ON mission_search (published_at DESC, id DESC);
CREATE INDEX mission_search_association ON mission_search (association_id, published_at DESC, id DESC);

ALTER TABLE application
    ADD CONSTRAINT application_state_known CHECK (state IN ('submitted', 'shortlisted', 'accepted', 'waitlisted',
        'offered', 'completed', 'no_show', 'declined', 'withdrawn', 'expired', 'cancelled', 'employer_refused')),
    ADD CONSTRAINT application_regime_known CHECK (regime IN ('working_time', 'personal_time')),
    ADD CONSTRAINT application_legal_form_of_working_time CHECK ((regime = 'working_time') = (legal_form IS NOT NULL)),
    ADD CONSTRAINT application_approval_known CHECK (employer_approval IN ('not_required', 'pending', 'approved', 'refused')),
    ADD CONSTRAINT application_approval_of_working_time CHECK (regime = 'working_time' OR employer_approval = 'not_required'),
    ADD CONSTRAINT application_refused_ends CHECK (employer_approval <> 'refused' OR state NOT IN ('submitted', 'shortlisted', 'waitlisted', 'offered', 'accepted')),
    ADD CONSTRAINT application_mission_tenant FOREIGN KEY (mission_id, association_id) REFERENCES mission (id, association_id),
    ADD CONSTRAINT application_employee_tenant FOREIGN KEY (company_id, employee_id, person_id) REFERENCES employee (company_id, id, person_id),
    ADD CONSTRAINT application_tenants UNIQUE (id, mission_id, association_id, company_id, employee_id, person_id, regime);
CREATE UNIQUE INDEX application_one_live ON application (mission_id, person_id)
    WHERE state IN ('submitted', 'shortlisted', 'waitlisted', 'offered', 'accepted');
CREATE INDEX application_of_mission ON application (mission_id, created_at, id);
CREATE INDEX application_of_person ON application (person_id, created_at DESC, id DESC);
CREATE INDEX application_of_association ON application (association_id, created_at DESC, id DESC);
CREATE INDEX application_of_company ON application (company_id, created_at DESC, id DESC);

ALTER TABLE hours_entry
    ADD CONSTRAINT hours_entry_state_known CHECK (state IN ('draft', 'declared', 'lowered', 'disputed', 'confirmed',
        'approved', 'rejected', 'cancelled', 'reversed')),
    ADD CONSTRAINT hours_entry_minutes_of_a_day CHECK (minutes BETWEEN 1 AND 1440),
    ADD CONSTRAINT hours_entry_never_raised CHECK (minutes <= declared_minutes),
    ADD CONSTRAINT hours_entry_not_confirmed_by_author CHECK (confirmed_by <> person_id),
    ADD CONSTRAINT hours_entry_not_approved_by_author CHECK (approved_by <> person_id),
    ADD CONSTRAINT hours_entry_tenants FOREIGN KEY (application_id, mission_id, association_id, company_id, employee_id,
        person_id, regime) REFERENCES application (id, mission_id, association_id, company_id, employee_id, person_id, regime);
CREATE UNIQUE INDEX hours_entry_one_living_a_day ON hours_entry (application_id, worked_on)
    WHERE state NOT IN ('rejected', 'cancelled', 'reversed');
CREATE INDEX hours_entry_of_application ON hours_entry (application_id, created_at DESC, id DESC);
CREATE INDEX hours_entry_of_person ON hours_entry (person_id, created_at DESC, id DESC);
CREATE INDEX hours_entry_of_association ON hours_entry (association_id, created_at DESC, id DESC);
CREATE INDEX hours_entry_of_company ON hours_entry (company_id, created_at DESC, id DESC);

ALTER TABLE ledger_line
    ADD CONSTRAINT ledger_line_sequence_unique UNIQUE (company_id, sequence),
    ADD CONSTRAINT ledger_line_posted_at_unique UNIQUE (company_id, posted_at),
    ADD CONSTRAINT ledger_line_posted_once UNIQUE (hours_id);
CREATE INDEX ledger_line_posted ON ledger_line (company_id, posted_on, id);

ALTER TABLE notification
    ADD CONSTRAINT notification_once UNIQUE (person_id, unique_key);
CREATE INDEX notification_inbox ON notification (person_id, created_at DESC, id DESC);
ALTER TABLE mail
    ADD CONSTRAINT mail_once UNIQUE (person_id, unique_key),
    ADD CONSTRAINT mail_state_known CHECK (state IN ('pending', 'attempting', 'sent', 'failed', 'unknown')),
    ADD CONSTRAINT mail_finished CHECK ((state IN ('sent', 'failed', 'unknown')) = (finished_at IS NOT NULL));
CREATE INDEX mail_attempting ON mail (attempting_at) WHERE state = 'attempting';
CREATE INDEX mail_in_doubt ON mail (created_at) WHERE state = 'unknown';

CREATE INDEX outbox_to_relay ON outbox (id) WHERE relayed_at IS NULL;
ALTER TABLE reaction
    ADD CONSTRAINT reaction_once UNIQUE (fact_id, name);
CREATE INDEX reaction_owed ON reaction (due_at) WHERE done_at IS NULL AND failed_at IS NULL;
CREATE INDEX reaction_failed ON reaction (failed_at) WHERE failed_at IS NOT NULL;

ALTER TABLE idempotency_key
    ADD CONSTRAINT idempotency_key_unique UNIQUE (person_id, key);
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);
ALTER TABLE state_edge
    ADD CONSTRAINT state_edge_unique UNIQUE (object, from_state, to_state);
CREATE INDEX state_event_of_object ON state_event (object_id, at, id);
