-- A suspended association takes nobody on; what runs goes on. Its missions are locked as it is suspended
-- (move_missions), so that whoever holds one to accept is before it, or after it and refused.
CREATE FUNCTION require_open_association() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    IF (SELECT state FROM association WHERE id = NEW.association_id) = 'suspended' THEN
        RAISE EXCEPTION 'the association is suspended'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'application_of_open_association';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER application_of_open_association BEFORE UPDATE ON application FOR EACH ROW
    WHEN (holds_place(OLD.state) < holds_place(NEW.state) OR is_live(OLD.state) < is_live(NEW.state)
          OR (OLD.state = 'offered' AND NEW.state = 'accepted'))
    EXECUTE FUNCTION require_open_association();

-- As before, and to nobody while the association is suspended: the clock offers what is free once it is open again.
CREATE OR REPLACE FUNCTION offer_places(of_mission uuid, deadline timestamptz)
    RETURNS TABLE (application_id uuid, association_id uuid, company_id uuid)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    RETURN QUERY
    UPDATE application a SET state = 'offered', state_reason = NULL, offer_expires_at = deadline
    FROM (SELECT w.id FROM application w JOIN mission m ON m.id = w.mission_id
          JOIN association s ON s.id = m.association_id
          WHERE w.mission_id = of_mission AND w.state = 'waitlisted'
              AND m.state IN ('published', 'paused', 'in_progress') AND s.state <> 'suspended'
          ORDER BY w.waitlisted_at, w.id
          LIMIT (SELECT greatest(0, places - taken) FROM mission WHERE id = of_mission)) next
    WHERE a.id = next.id AND a.state = 'waitlisted'
    RETURNING a.id, a.association_id, a.company_id;
END
$$;

-- Whether who waits for a place of a mission waits in vain: its association may offer none, and nobody may apply any more.
CREATE FUNCTION kept_waiting(of_mission uuid, at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, public
    RETURN EXISTS (SELECT FROM mission m JOIN association s ON s.id = m.association_id
                   WHERE m.id = of_mission AND s.state = 'suspended' AND m.state IN ('published', 'paused')
                       AND m.closes_on < (at AT TIME ZONE m.time_zone)::date);
