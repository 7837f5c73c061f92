-- Nobody decides for themselves, nor does a key that they made: it is known by its id, as its maker is by theirs.
CREATE FUNCTION acts_for(person uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public
    RETURN person = app_person()
        OR EXISTS (SELECT FROM api_key WHERE id = app_person() AND created_by = person);

CREATE FUNCTION require_another() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF acts_for(NEW.person_id) THEN
        RAISE EXCEPTION 'nobody decides for themselves' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$;
-- By the columns that a statement names: the word that stands, or that a policy gives, is not the caller's.
CREATE TRIGGER application_not_decided_by_applicant BEFORE UPDATE OF employer_approval ON application FOR EACH ROW
    WHEN (OLD.employer_approval <> NEW.employer_approval) EXECUTE FUNCTION require_another();
-- An offer is its applicant's to take, and a mission that is completed completes them all.
CREATE TRIGGER application_not_answered_by_applicant BEFORE UPDATE OF state ON application FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND OLD.state <> 'offered'
          AND NEW.state IN ('shortlisted', 'accepted', 'waitlisted', 'declined', 'no_show'))
    EXECUTE FUNCTION require_another();
CREATE TRIGGER hours_entry_not_decided_by_author BEFORE UPDATE OF confirmed_by, approved_by ON hours_entry FOR EACH ROW
    WHEN ((OLD.confirmed_by, OLD.approved_by) IS DISTINCT FROM (NEW.confirmed_by, NEW.approved_by))
    EXECUTE FUNCTION require_another();

-- As before, and who made the key.
DROP FUNCTION actor_by_key(bytea, timestamptz);
CREATE FUNCTION actor_by_key(presented bytea, at timestamptz)
    RETURNS TABLE (key_id uuid, company_id uuid, association_id uuid, scopes text[], created_by uuid)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    UPDATE api_key k SET last_used_at = at
    WHERE k.digest = presented AND k.revoked_at IS NULL AND k.expires_at > at
      AND (k.last_used_at IS NULL OR k.last_used_at < at - interval '1 minute');
    RETURN QUERY SELECT k.id, k.company_id, k.association_id, k.scopes, k.created_by FROM api_key k
        LEFT JOIN association a ON a.id = k.association_id
        WHERE k.digest = presented AND k.revoked_at IS NULL AND k.expires_at > at
          AND (a.id IS NULL OR a.state <> 'closed');
END
$$;

-- As before, and by nobody: what is settled at a mission's end is the policy's word, whoever ends it.
CREATE OR REPLACE FUNCTION settle_pending(of_mission uuid)
    RETURNS TABLE (application_id uuid, association_id uuid, company_id uuid, told text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    person text := current_setting('app.person', true);
    roles text := current_setting('app.role', true);
BEGIN
    PERFORM set_config('app.person', '', true), set_config('app.role', '{system}', true);
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
    PERFORM set_config('app.person', person, true), set_config('app.role', roles, true);
END
$$;
