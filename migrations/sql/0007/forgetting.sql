-- History keeps what happened and when; of hours it may also hold what somebody wrote about a person, which goes.
DROP TRIGGER state_event_is_final ON state_event;
CREATE TRIGGER state_event_is_final BEFORE UPDATE ON state_event FOR EACH ROW
    WHEN (OLD.object <> 'hours_entry' OR NEW.reason IS NOT NULL
          OR to_jsonb(OLD) - 'reason' IS DISTINCT FROM to_jsonb(NEW) - 'reason')
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER state_event_stays BEFORE DELETE ON state_event FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What others were told of a person: notices about their applications and hours, or of their joining, and the mails
-- that went with them.
CREATE FUNCTION forget_told(who uuid, things uuid[]) RETURNS void LANGUAGE sql
    SET search_path = pg_catalog, public AS $$
    WITH told AS (
        DELETE FROM notification n WHERE n.about_id = ANY (things)
            OR (n.kind = 'member_joined'
                AND n.about_id IN (SELECT association_id FROM association_member WHERE person_id = who)
                AND position((SELECT nullif(trim(given_name || ' ' || family_name), '') FROM person WHERE id = who)
                             IN n.text) > 0)
        RETURNING person_id, unique_key)
    DELETE FROM mail m USING told WHERE m.person_id = told.person_id AND m.unique_key = told.unique_key
$$;

-- Erases a person: everything that names them goes, what they did stays under ids alone. Their jobs are ended before.
-- The person's lock keeps out whoever would hang something on them meanwhile (see require_living_person).
CREATE FUNCTION forget_person(who uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    addresses text[];
    things uuid[];
BEGIN
    IF who IS DISTINCT FROM app_person() AND NOT app_is('system') THEN
        RAISE EXCEPTION 'one erases oneself' USING ERRCODE = 'insufficient_privilege';
    END IF;
    addresses := ARRAY(SELECT email FROM person_email WHERE person_id = who
                       UNION SELECT lower(email) FROM employee WHERE person_id = who AND email IS NOT NULL);
    -- Whoever redeems a code or accepts an invitation holds it, then wants the person: so do we.
    DELETE FROM magic_link WHERE person_id = who OR email = ANY (addresses);
    DELETE FROM login WHERE person_id = who;
    DELETE FROM invitation WHERE email = ANY (addresses);
    PERFORM FROM person WHERE id = who AND erased_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM employee WHERE person_id = who AND active) THEN
        RAISE EXCEPTION 'hired meanwhile: begin again' USING ERRCODE = 'serialization_failure';
    END IF;
    addresses := ARRAY(SELECT email FROM person_email WHERE person_id = who
                       UNION SELECT lower(email) FROM employee WHERE person_id = who AND email IS NOT NULL);
    things := ARRAY(SELECT id FROM application WHERE person_id = who
                    UNION SELECT id FROM hours_entry WHERE person_id = who);

    PERFORM forget_told(who, things);
    DELETE FROM association_member WHERE person_id = who;
    DELETE FROM platform_role WHERE person_id = who;
    DELETE FROM session WHERE person_id = who;
    DELETE FROM notification WHERE person_id = who;
    DELETE FROM mail WHERE person_id = who OR (person_id IS NULL AND to_address = ANY (addresses));
    DELETE FROM magic_link WHERE person_id = who;
    DELETE FROM login WHERE person_id = who;
    DELETE FROM idempotency_key WHERE person_id = who;
    DELETE FROM export WHERE person_id = who;
    UPDATE application SET applicant_name = '', applicant_email = NULL, message = '', employer_reason = NULL
    WHERE person_id = who;
    UPDATE hours_entry SET note = '', state_reason = NULL WHERE person_id = who;
    UPDATE state_event SET reason = NULL
    WHERE object = 'hours_entry' AND object_id = ANY (things) AND reason IS NOT NULL;

    INSERT INTO tombstone (id, company_id, employee_id, digest)
    SELECT uuidv7(), e.company_id, e.id, tombstone_digest('subject', i.company_id::text, i.issuer, i.subject)
    FROM identity i JOIN employee e ON e.company_id = i.company_id AND e.person_id = who WHERE i.person_id = who
    UNION ALL
    SELECT uuidv7(), e.company_id, e.id, tombstone_digest(named.key, e.company_id::text, named.value)
    FROM employee e, jsonb_each_text(to_jsonb(e)) named
    WHERE e.person_id = who AND named.key IN ('external_id', 'user_name') AND named.value IS NOT NULL
    ON CONFLICT ON CONSTRAINT tombstone_digest_unique DO UPDATE SET employee_id = excluded.employee_id;
    DELETE FROM identity WHERE person_id = who;
    DELETE FROM person_email WHERE person_id = who;
    UPDATE employee SET erased_at = maillon_now() WHERE person_id = who;
    UPDATE person SET erased_at = maillon_now() WHERE id = who;
END
$$;

-- As in 0001: nobody writes to the erased.
CREATE OR REPLACE FUNCTION contacts_of(people uuid[])
    RETURNS TABLE (person_id uuid, language text, given_name text, email text, at_work boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT p.id, p.language, p.given_name, coalesce(own.email, e.email), own.email IS NULL
    FROM person p
    LEFT JOIN LATERAL (SELECT email FROM person_email WHERE person_id = p.id AND proved_at IS NOT NULL
                       ORDER BY proved_at, id LIMIT 1) own ON true
    LEFT JOIN employee e ON e.person_id = p.id AND e.active
    WHERE p.id = ANY (people) AND p.erased_at IS NULL
$$;
