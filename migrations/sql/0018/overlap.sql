-- Where a live application falls on what its person was accepted for: by their sessions where both have some, else by
-- their days; one that does not say when it ends counts for its first day. It reads no more than its reader may.
CREATE FUNCTION overlaps_of(which uuid) RETURNS jsonb LANGUAGE sql STABLE
    RETURN (
        WITH spans AS NOT MATERIALIZED (
            SELECT a.id, a.person_id, a.state, m.title, coalesce(a.agreed_starts_on, m.starts_on) AS first_day,
                   coalesce(a.agreed_ends_on, m.ends_on, a.agreed_starts_on, m.starts_on) AS last_day,
                   coalesce(a.agreed_sessions, chosen_sessions(m.sessions, a.wanted_sessions)) AS sessions
            FROM application a JOIN mission m ON m.id = a.mission_id
        )
        SELECT jsonb_agg(jsonb_build_object('application_id', other.id, 'title', other.title)
                         ORDER BY other.first_day, other.id)
        FROM spans mine JOIN spans other ON other.person_id = mine.person_id AND other.id <> mine.id
        WHERE mine.id = which AND is_live(mine.state) = 1 AND other.state = 'accepted'
            AND CASE WHEN mine.sessions <> '[]' AND other.sessions <> '[]' THEN EXISTS (
                SELECT FROM jsonb_array_elements(mine.sessions) AS m, jsonb_array_elements(other.sessions) AS o
                WHERE (m ->> 'starts_at')::timestamptz < (o ->> 'ends_at')::timestamptz
                    AND (o ->> 'starts_at')::timestamptz < (m ->> 'ends_at')::timestamptz)
            ELSE mine.first_day <= other.last_day AND other.first_day <= mine.last_day END);
