-- What waits for an employer's word, among all that a company's people applied for.
CREATE INDEX application_to_approve ON application (company_id, created_at DESC, id DESC)
    WHERE employer_approval = 'pending';
