-- What an employer allows on working time, and what its silence means.
ALTER TABLE policy
    ADD COLUMN formats text[],
    ADD COLUMN causes text[],
    ADD COLUMN associations uuid[],
    ADD COLUMN approval_days integer NOT NULL DEFAULT 5,
    ADD COLUMN approval_silence text NOT NULL DEFAULT 'refuse',
    ADD CONSTRAINT policy_approval_days_bounded CHECK (approval_days BETWEEN 1 AND 60),
    ADD CONSTRAINT policy_approval_silence_known CHECK (approval_silence IN ('approve', 'refuse'));
DROP TRIGGER policy_audit ON policy;
CREATE TRIGGER policy_audit AFTER INSERT OR UPDATE OR DELETE ON policy FOR EACH ROW
    EXECUTE FUNCTION record_audit('policy',
        '{effective_from,regimes,legal_form,approval,approval_days,approval_silence,hours_approval,just_in_time,formats,causes,associations}');

ALTER TABLE application ADD COLUMN approval_due_at timestamptz;
SET LOCAL ROLE maillon_ops;
UPDATE application SET approval_due_at = created_at + interval '5 days' WHERE employer_approval = 'pending';
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE application
    ADD CONSTRAINT application_approval_has_date CHECK (employer_approval <> 'pending' OR approval_due_at IS NOT NULL);
CREATE INDEX application_approval_due ON application (approval_due_at) WHERE employer_approval = 'pending';
