-- One takes back one's own hours; that they are rejected is another's word.
CREATE TRIGGER hours_entry_not_rejected_by_author BEFORE UPDATE OF state ON hours_entry FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NEW.state = 'rejected')
    EXECUTE FUNCTION require_another();

-- Whoever is of both sides is of their own: the other one answers.
CREATE FUNCTION require_other_side() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF acts_for(NEW.person_id) <> NEW.from_association THEN
        RAISE EXCEPTION 'the other side answers' USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER change_proposal_not_answered_by_author BEFORE UPDATE OF state ON change_proposal FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NEW.state IN ('accepted', 'declined'))
    EXECUTE FUNCTION require_other_side();
