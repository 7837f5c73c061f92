-- What titles say has a column of its own: how rare a word is in titles is known of titles alone, and the planner that
-- takes it for common reads every mission, the newest first, to find none.

ALTER TABLE mission_search ADD COLUMN titles tsvector;
ALTER TABLE mission_reserved ADD COLUMN titles tsvector;
CREATE OR REPLACE VIEW mission_shown WITH (security_invoker) AS
    SELECT m.id, m.version, m.association_id, a.name AS association_name, m.title, m.summary, m.format, m.causes,
           ARRAY(SELECT named ->> 'skill' FROM jsonb_array_elements(m.skills) named) AS skills,
           m.places, m.places - m.taken AS places_left, m.effort_minutes, m.regimes, m.remote, m.location_label,
           m.postal_code, m.starts_on, m.ends_on, m.apply_by, m.closes_on, m.languages, m.published_at,
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
        FROM jsonb_array_elements(m.skills) named JOIN skill s ON s.id = named ->> 'skill') skills,
        search_words(m.title) titles;

SET LOCAL ROLE maillon_ops;
UPDATE mission_search SET titles = search_words(title);
UPDATE mission_reserved SET titles = search_words(title);
RESET ROLE;
ALTER TABLE mission_search ALTER COLUMN titles SET NOT NULL;
ALTER TABLE mission_reserved ALTER COLUMN titles SET NOT NULL;
CREATE INDEX mission_search_titles ON mission_search USING gin (titles) WITH (fastupdate = off);
-- Of the words of all missions, how often each comes: by default only the hundred commonest are known.
ALTER TABLE mission_search ALTER COLUMN document SET STATISTICS 500, ALTER COLUMN titles SET STATISTICS 500;
DROP FUNCTION in_title;
