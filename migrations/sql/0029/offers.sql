-- Whether the employer of somebody who waits has the minutes of a place left for them, at this moment.
CREATE FUNCTION can_take_place(application uuid) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, public
    RETURN (SELECT a.regime = 'personal_time'
                OR exceeded(a.company_id, a.employee_id, year_of(a.company_id, m.starts_on), m.effort_minutes) IS NULL
            FROM application a JOIN mission m ON m.id = a.mission_id WHERE a.id = application);

-- As before, but whoever cannot take a place is passed over and keeps their position: the clock offers it to them when
-- they can. And it is nobody's act: a log that named who freed the place would tell an employer of a personal-time one.
CREATE OR REPLACE FUNCTION offer_places(of_mission uuid, deadline timestamptz)
    RETURNS TABLE (application_id uuid, association_id uuid, company_id uuid)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    person text := current_setting('app.person', true);
    roles text := current_setting('app.role', true);
BEGIN
    PERFORM set_config('app.person', '', true), set_config('app.role', '{system}', true);
    RETURN QUERY
    UPDATE application a SET state = 'offered', state_reason = NULL, offer_expires_at = deadline
    FROM (SELECT w.id FROM application w JOIN mission m ON m.id = w.mission_id
          JOIN association s ON s.id = m.association_id
          WHERE w.mission_id = of_mission AND w.state = 'waitlisted' AND can_take_place(w.id)
              AND m.state IN ('published', 'paused', 'in_progress') AND s.state <> 'suspended'
          ORDER BY w.waitlisted_at, w.id
          LIMIT (SELECT greatest(0, places - taken) FROM mission WHERE id = of_mission)) next
    WHERE a.id = next.id AND a.state = 'waitlisted'
    RETURNING a.id, a.association_id, a.company_id;
    PERFORM set_config('app.person', person, true), set_config('app.role', roles, true);
END
$$;

-- Whether somebody waits for a place in vain, once nobody may apply any more: their association may offer none; or the
-- first day is past, nobody has a place, and they cannot take one.
DROP FUNCTION kept_waiting(uuid, timestamptz);
CREATE FUNCTION kept_waiting(application uuid, at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, public
    RETURN EXISTS (SELECT FROM application a JOIN mission m ON m.id = a.mission_id
                       JOIN association s ON s.id = m.association_id,
                       LATERAL (SELECT (at AT TIME ZONE m.time_zone)::date AS today) day
                   WHERE a.id = application AND a.state = 'waitlisted' AND m.state IN ('published', 'paused')
                       AND m.closes_on < today
                       AND (s.state = 'suspended'
                            OR (m.taken = 0 AND m.starts_on < today AND NOT can_take_place(a.id))));
