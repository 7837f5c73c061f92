-- No engagement is over while its employer is still asked: at its mission's end the word it gave for less stands, else
-- its silence decides as it does elsewhere.
CREATE FUNCTION silence_of(company uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN (SELECT p.approval_silence FROM policy p JOIN company c ON c.id = p.company_id
            WHERE c.id = company AND p.effective_from <= (maillon_now() AT TIME ZONE c.time_zone)::date
            ORDER BY p.effective_from DESC LIMIT 1);

-- The mission is locked by whoever calls; they may be behind walls that the caller does not cross.
CREATE FUNCTION settle_pending(of_mission uuid)
    RETURNS TABLE (application_id uuid, association_id uuid, company_id uuid, told text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN QUERY
    UPDATE application a SET
        agreed_minutes = coalesce(a.approved_minutes, a.agreed_minutes), state = was.state,
        employer_approval = CASE was.state WHEN 'accepted' THEN 'approved' ELSE 'refused' END,
        employer_reason = CASE was.state WHEN 'employer_refused' THEN 'no_answer' END
    FROM (SELECT w.id, CASE WHEN w.approved_minutes IS NOT NULL OR silence_of(w.company_id) = 'approve' THEN 'accepted'
                            ELSE 'employer_refused' END AS state
          FROM application w WHERE w.mission_id = of_mission AND w.state = 'accepted' AND w.employer_approval = 'pending'
          ORDER BY w.id FOR UPDATE) was
    WHERE a.id = was.id
    RETURNING a.id, a.association_id, a.company_id,
              CASE WHEN a.state = 'employer_refused' THEN 'refused' WHEN old.approved_minutes IS NULL THEN 'approved' END;
END
$$;

-- What was completed so before this rule is settled by it, along edges that are legal this once.
INSERT INTO state_edge (object, from_state, to_state) VALUES
    ('application', 'completed', 'employer_refused'), ('application', 'no_show', 'employer_refused');
SET LOCAL ROLE maillon_ops;
UPDATE application SET employer_approval = 'approved', agreed_minutes = coalesce(approved_minutes, agreed_minutes)
WHERE state IN ('completed', 'no_show') AND employer_approval = 'pending'
    AND (approved_minutes IS NOT NULL OR silence_of(company_id) = 'approve');
UPDATE application SET state = 'employer_refused', employer_approval = 'refused', employer_reason = 'no_answer'
WHERE state IN ('completed', 'no_show') AND employer_approval = 'pending';
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;
DELETE FROM state_edge WHERE from_state IN ('completed', 'no_show') AND to_state = 'employer_refused';
ALTER TABLE application ADD CONSTRAINT application_done_is_settled
    CHECK (state NOT IN ('completed', 'no_show') OR employer_approval <> 'pending');

-- Nobody who left comes back by a reopening: as for who applies.
CREATE TRIGGER application_again_of_active_employee BEFORE UPDATE ON application FOR EACH ROW
    WHEN (is_live(OLD.state) = 0 AND is_live(NEW.state) = 1) EXECUTE FUNCTION require_active_employee();

-- An employer who had still to answer when it ended is asked anew, whoever is in charge then.
CREATE TRIGGER application_reopened_asks_again BEFORE UPDATE ON application FOR EACH ROW
    WHEN (is_live(OLD.state) = 0 AND is_live(NEW.state) = 1 AND NEW.employer_approval = 'pending')
    EXECUTE FUNCTION ask_again();
