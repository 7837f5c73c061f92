-- The counters are no edit: nothing is told of them, so nothing is compared.
DROP TRIGGER mission_audit ON mission;
CREATE TRIGGER mission_audit AFTER INSERT OR DELETE ON mission FOR EACH ROW
    EXECUTE FUNCTION record_audit('mission',
        '{state,format,causes,places,effort_minutes,regimes,remote,time_zone,starts_on,ends_on,apply_by,languages,published_at}');
CREATE TRIGGER mission_edit_audit AFTER UPDATE ON mission FOR EACH ROW
    WHEN ((OLD.taken, OLD.live) = (NEW.taken, NEW.live))
    EXECUTE FUNCTION record_audit('mission',
        '{state,format,causes,places,effort_minutes,regimes,remote,time_zone,starts_on,ends_on,apply_by,languages,published_at}');

-- The employee's lock, which applying takes first, lines up somebody who applies twice at once.
CREATE OR REPLACE FUNCTION keep_the_cap() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    wanted text := (SELECT format FROM mission WHERE id = NEW.mission_id);
BEGIN
    PERFORM FROM employee WHERE id = NEW.employee_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT FROM application_cap c, (
            SELECT count(*) AS all_of_them, count(*) FILTER (WHERE m.format = wanted) AS of_the_format
            FROM application a JOIN mission m ON m.id = a.mission_id
            WHERE a.person_id = NEW.person_id
                AND a.state IN ('submitted', 'shortlisted', 'waitlisted', 'offered')) waiting
        WHERE c.most < CASE c.format WHEN 'any' THEN all_of_them WHEN wanted THEN of_the_format END) THEN
        RAISE EXCEPTION 'somebody has so many unanswered applications at most'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'application_cap_of_person';
    END IF;
    RETURN NULL;
END
$$;

-- Each statement of it sees what was committed before it: the answer of whoever held the key until now is found.
CREATE FUNCTION claim_key(who uuid, wanted text)
    RETURNS TABLE (claimed boolean, fingerprint bytea, status integer, headers bytea, body bytea)
    LANGUAGE plpgsql AS $$
BEGIN
    claimed := pg_try_advisory_xact_lock(hashtextextended(who::text || ' ' || wanted, 0));
    IF claimed THEN
        SELECT k.fingerprint, k.status, k.headers, k.body INTO fingerprint, status, headers, body
        FROM idempotency_key k WHERE k.person_id = who AND k.key = wanted;
    END IF;
    RETURN NEXT;
END
$$;
