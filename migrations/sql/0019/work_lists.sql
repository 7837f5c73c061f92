-- What waits for an employer's word, among all that a company's people applied for.
CREATE INDEX application_to_approve ON application (company_id, created_at DESC, id DESC)
    WHERE employer_approval = 'pending';

-- A cap that is lowered judges nobody who applied before.
ALTER TABLE application_cap
    ADD COLUMN since timestamptz NOT NULL DEFAULT '-infinity',
    ADD CONSTRAINT application_cap_format_known
        CHECK (format IN ('any', 'consultation', 'short', 'project', 'mentoring', 'team_day'));
GRANT INSERT, UPDATE ON application_cap TO maillon_ops;

-- What is forgotten two years after the end.
CREATE INDEX change_proposal_with_texts ON change_proposal (created_at) WHERE message <> '';
CREATE INDEX calendar_invitation_told ON calendar_invitation (told_at);
