-- What anyone finds, with all that a search asks of it; what is reserved to some companies, behind their walls.

DROP TABLE mission_search;
CREATE TABLE mission_search (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    association_id uuid NOT NULL,
    association_name text NOT NULL,
    title text NOT NULL,
    summary text NOT NULL,
    format text NOT NULL,
    causes text[] NOT NULL,
    skills text[] NOT NULL,
    places integer NOT NULL,
    places_left integer NOT NULL,
    effort_minutes integer NOT NULL,
    regimes text[] NOT NULL,
    remote text NOT NULL,
    location_label text,
    postal_code text,
    starts_on date NOT NULL,
    ends_on date,
    apply_by date,
    closes_at timestamptz NOT NULL,
    languages text[] NOT NULL,
    published_at timestamptz NOT NULL,
    spot cube,
    document tsvector NOT NULL,
    reserved_to uuid[] NOT NULL,
    silent boolean NOT NULL,
    titles tsvector NOT NULL
);
CREATE INDEX mission_search_newest ON mission_search (published_at DESC, id DESC);
CREATE INDEX mission_search_starts ON mission_search (starts_on, id);
CREATE INDEX mission_search_association ON mission_search (association_id, published_at DESC, id DESC);
CREATE INDEX mission_search_lists ON mission_search USING gin (skills, causes) WITH (fastupdate = off);
CREATE INDEX mission_search_document ON mission_search USING gin (document) WITH (fastupdate = off);
CREATE INDEX mission_search_titles ON mission_search USING gin (titles) WITH (fastupdate = off);
CREATE INDEX mission_search_spot ON mission_search USING gist (spot);

CREATE TABLE mission_reserved (LIKE mission_search, PRIMARY KEY (id));
CREATE INDEX mission_reserved_newest ON mission_reserved (published_at DESC, id DESC);
ALTER TABLE mission_search ADD CONSTRAINT mission_search_is_for_all CHECK (reserved_to = '{}');
ALTER TABLE mission_reserved ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY mission_reserved_seen ON mission_reserved FOR SELECT USING (app_company() = ANY (reserved_to));
GRANT SELECT ON mission_search, mission_reserved TO maillon_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON mission_search, mission_reserved TO maillon_ops;

-- Of the words of all missions, how often each comes: by default only the hundred commonest are known.
ALTER TABLE mission_search ALTER COLUMN document SET STATISTICS 500, ALTER COLUMN titles SET STATISTICS 500;

-- A mission as a search shows it, in whatever state. What titles say has a column of its own: how rare a word is in
-- titles is known of titles alone.
CREATE VIEW mission_shown WITH (security_invoker) AS
    SELECT m.id, m.version, m.association_id, a.name AS association_name, m.title, m.summary, m.format, m.causes,
           ARRAY(SELECT named ->> 'skill' FROM jsonb_array_elements(m.skills) named) AS skills,
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
        FROM jsonb_array_elements(m.skills) named JOIN skill s ON s.id = named ->> 'skill') skills,
        search_words(m.title) titles;
GRANT SELECT ON mission_shown TO maillon_ops;

CREATE OR REPLACE FUNCTION publish_to_search(mission_id uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    published boolean;
BEGIN
    -- Whoever edits a mission holds it; an association's new name comes to all of them without.
    SELECT state = 'published' INTO published FROM mission WHERE id = mission_id FOR NO KEY UPDATE;
    DELETE FROM mission_search WHERE id = mission_id;
    DELETE FROM mission_reserved WHERE id = mission_id;
    IF published THEN
        INSERT INTO mission_search SELECT * FROM mission_shown WHERE id = mission_id AND reserved_to = '{}';
        INSERT INTO mission_reserved SELECT * FROM mission_shown WHERE id = mission_id AND reserved_to <> '{}';
        INSERT INTO search_word
        SELECT word FROM mission_search, regexp_split_to_table(lower(unaccent(title)), '[^[:alnum:]]+') word
        WHERE id = mission_id AND length(word) BETWEEN 4 AND 40 GROUP BY word ORDER BY word
        ON CONFLICT DO NOTHING;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION keep_search() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    IF TG_TABLE_NAME = 'association' THEN
        PERFORM publish_to_search(id) FROM mission WHERE association_id = NEW.id AND state = 'published' ORDER BY id;
    ELSIF OLD.version <> NEW.version THEN
        PERFORM publish_to_search(NEW.id);
    ELSE
        UPDATE mission_search SET places_left = NEW.places - NEW.taken WHERE id = NEW.id;
        UPDATE mission_reserved SET places_left = NEW.places - NEW.taken WHERE id = NEW.id;
    END IF;
    RETURN NULL;
END
$$;

SET LOCAL ROLE maillon_ops;
INSERT INTO mission_search SELECT s.* FROM mission_shown s JOIN mission m USING (id)
WHERE m.state = 'published' AND s.reserved_to = '{}';
RESET ROLE;
