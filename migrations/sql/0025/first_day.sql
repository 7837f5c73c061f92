-- An employer's silence is heard on the first day at the latest, though that day comes nearer; who was asked on that day
-- or after it keeps all their days.
CREATE FUNCTION hasten_approvals() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    first timestamptz := NEW.starts_on::timestamp AT TIME ZONE NEW.time_zone;
BEGIN
    UPDATE application a SET approval_due_at = first
    FROM (SELECT id FROM application WHERE mission_id = NEW.id AND employer_approval = 'pending'
              AND state IN ('submitted', 'shortlisted', 'waitlisted', 'offered')
              AND approval_asked_at < first AND approval_due_at > first ORDER BY id FOR UPDATE) late
    WHERE a.id = late.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER mission_hastens_approvals AFTER UPDATE ON mission FOR EACH ROW
    WHEN (NEW.live > 0 AND NEW.starts_on < OLD.starts_on) EXECUTE FUNCTION hasten_approvals();

CREATE FUNCTION hasten_approval() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    first timestamptz := (SELECT NEW.agreed_starts_on::timestamp AT TIME ZONE time_zone
                          FROM mission WHERE id = NEW.mission_id);
BEGIN
    IF NEW.approval_asked_at < first THEN
        NEW.approval_due_at := least(NEW.approval_due_at, first);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER application_hastens_approval BEFORE UPDATE ON application FOR EACH ROW
    WHEN (NEW.state = 'accepted' AND NEW.employer_approval = 'pending' AND NEW.agreed_starts_on < OLD.agreed_starts_on)
    EXECUTE FUNCTION hasten_approval();

-- What moved before this rule.
SET LOCAL ROLE maillon_ops;
UPDATE application a SET approval_due_at = first
FROM (SELECT p.id, (CASE p.state WHEN 'accepted' THEN p.agreed_starts_on ELSE m.starts_on END)::timestamp
                   AT TIME ZONE m.time_zone AS first
      FROM application p JOIN mission m ON m.id = p.mission_id
      WHERE p.employer_approval = 'pending' AND is_live(p.state) = 1) day
WHERE a.id = day.id AND a.approval_asked_at < first AND a.approval_due_at > first;
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;
