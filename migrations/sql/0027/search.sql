-- The ids under which missions are found by the skills asked for: those of what replaced them. Not IMMUTABLE in truth:
-- it lets the planner see them, and count what they find, in a statement planned for each question.
CREATE FUNCTION searched_skills(asked text[]) RETURNS text[] LANGUAGE sql IMMUTABLE
    RETURN ARRAY(SELECT coalesce(s.replaced_by, one) FROM unnest(asked) one LEFT JOIN skill s ON s.id = one);

-- A mission says the labels of the skills that it names, and of what replaced them.
CREATE OR REPLACE VIEW mission_shown WITH (security_invoker) AS
    SELECT m.id, m.version, m.association_id, a.name AS association_name, m.title, m.summary, m.format, m.causes,
           ARRAY(SELECT coalesce(s.replaced_by, s.id)
                 FROM jsonb_array_elements(m.skills) WITH ORDINALITY AS each (named, place)
                 JOIN skill s ON s.id = named ->> 'skill' GROUP BY 1 ORDER BY min(place)) AS skills,
           m.places, m.places - m.taken AS places_left, m.effort_minutes, m.regimes, m.remote, m.location_label,
           m.postal_code, m.starts_on, m.ends_on, m.apply_by,
           (m.closes_on + 1)::timestamp AT TIME ZONE m.time_zone AS closes_at, m.languages, m.published_at,
           coalesce(on_globe(m.latitude, m.longitude), place_of(m.postal_code)) AS spot,
           setweight(titles, 'A') || setweight(search_words(labels), 'B') || setweight(search_words(m.summary), 'C')
               || setweight(search_words(concat_ws(' ', m.description, m.deliverable, a.name, m.location_label)), 'D')
               AS document,
           m.reserved_to,
           EXISTS (SELECT FROM application p WHERE p.mission_id = m.id AND p.state = 'expired'
                   AND p.state_reason = 'no_reply') AS silent,
           titles
    FROM mission m JOIN association a ON a.id = m.association_id, LATERAL (
        SELECT string_agg(concat_ws(' ', s.label_fr, s.label_en), ' ') AS labels
        FROM jsonb_array_elements(m.skills) named JOIN skill given ON given.id = named ->> 'skill'
        JOIN skill s ON s.id IN (given.id, given.replaced_by)) skills,
        search_words(m.title) titles;

CREATE OR REPLACE FUNCTION replace_in_search() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    shown text[] := ARRAY[NEW.id, OLD.replaced_by];
BEGIN
    LOCK TABLE mission_search, mission_reserved IN SHARE ROW EXCLUSIVE MODE;
    UPDATE mission_search s SET (skills, document) = (SELECT skills, document FROM mission_shown WHERE id = s.id)
    WHERE skills && shown;
    UPDATE mission_reserved s SET (skills, document) = (SELECT skills, document FROM mission_shown WHERE id = s.id)
    WHERE skills && shown;
    RETURN NULL;
END
$$;

-- What was published before.
SET LOCAL ROLE maillon_ops;
SELECT publish_to_search(m.id) FROM mission m
WHERE m.state = 'published' AND EXISTS (
    SELECT FROM jsonb_array_elements(m.skills) named JOIN skill s ON s.id = named ->> 'skill'
    WHERE s.replaced_by IS NOT NULL)
ORDER BY m.id;
RESET ROLE;
