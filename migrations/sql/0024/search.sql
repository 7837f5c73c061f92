-- Its library knows the parameter that a function sets below: a session that has not used it yet may not name it.
SELECT show_limit();

-- Composed and decomposed letters are the same word, typed or written.
CREATE OR REPLACE FUNCTION search_words(part text) RETURNS tsvector LANGUAGE sql STABLE
    SET search_path = pg_catalog, public AS $$
    SELECT to_tsvector('french', said) || to_tsvector('french_plain', said) || to_tsvector('english', said)
    FROM (SELECT normalize(coalesce(part, ''), NFKC) AS said)
$$;

-- Whether the title of a mission now published says a word: most often one of the newest few does.
CREATE FUNCTION is_said(word text) RETURNS boolean LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, public AS $$
DECLARE
    forms tsquery := plainto_tsquery('french_plain', word) || plainto_tsquery('english', word);
BEGIN
    RETURN EXISTS (SELECT FROM search_word k WHERE k.word = is_said.word)
        AND (EXISTS (SELECT FROM (SELECT titles FROM mission_search ORDER BY published_at DESC, id DESC LIMIT 200) newest
                     WHERE titles @@ forms)
             OR EXISTS (SELECT FROM mission_search WHERE titles @@ forms));
END
$$;

CREATE OR REPLACE FUNCTION search_terms(typed text) RETURNS tsquery LANGUAGE sql STABLE
    SET search_path = pg_catalog, public SET pg_trgm.similarity_threshold = 0.4 AS $$
    WITH plain AS MATERIALIZED (SELECT word, length(word) > 3 AND NOT is_said(word) AS mistyped
                                FROM (SELECT lower(unaccent(typed)) AS word)),
    near AS (
        SELECT w.word FROM plain, search_word w
        WHERE plain.mistyped AND w.word % plain.word
        ORDER BY similarity(w.word, plain.word) DESC, w.word LIMIT 3)
    SELECT string_agg(DISTINCT form::text, ' | ')::tsquery FROM (
        SELECT typed AS word
        UNION SELECT synonym FROM plain JOIN search_synonym s USING (word)
        UNION SELECT word FROM near
        UNION SELECT s.synonym FROM near JOIN search_synonym s USING (word)) meant, search_forms(meant.word) form
    WHERE EXISTS (SELECT FROM search_forms(typed))
$$;

CREATE OR REPLACE FUNCTION search_query(question text) RETURNS tsquery LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, public AS $$
DECLARE
    terms text[] := ARRAY(
        SELECT '(' || term || ')' FROM (
            SELECT search_terms(word)::text AS term
            FROM (SELECT word, min(place) AS place
                  FROM regexp_split_to_table(lower(normalize(question, NFKC)), '[^[:alnum:]]+')
                      WITH ORDINALITY AS split (word, place)
                  WHERE word <> '' GROUP BY word ORDER BY 2 LIMIT 12) words ORDER BY place) meant
        WHERE term <> '');
    every tsquery := array_to_string(terms, ' & ')::tsquery;
BEGIN
    IF cardinality(terms) = 0 THEN
        RETURN NULL;
    ELSIF cardinality(terms) = 1 THEN
        RETURN every;
    ELSIF EXISTS (SELECT FROM (SELECT document FROM mission_search ORDER BY published_at DESC, id DESC LIMIT 200) newest
                  WHERE document @@ every) THEN
        RETURN every;
    ELSIF EXISTS (SELECT FROM mission_search WHERE document @@ every) THEN
        RETURN every;
    END IF;
    RETURN array_to_string(terms, ' | ')::tsquery;
END
$$;

-- A mission is found, and counted, by what replaces the skills that it names.
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
        FROM jsonb_array_elements(m.skills) named JOIN skill s ON s.id = named ->> 'skill') skills,
        search_words(m.title) titles;

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
        SELECT word FROM mission_search,
            regexp_split_to_table(lower(unaccent(normalize(title, NFKC))), '[^[:alnum:]]+') word
        WHERE id = mission_id AND length(word) BETWEEN 4 AND 40 GROUP BY word ORDER BY word
        ON CONFLICT DO NOTHING;
    END IF;
END
$$;

-- Who publishes takes the table before they read the skills: whoever replaces one waits for those under way, and
-- those that come after see what replaced it. Searches wait for nobody.
CREATE FUNCTION replace_in_search() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
DECLARE
    shown text[] := ARRAY[NEW.id, OLD.replaced_by];
BEGIN
    LOCK TABLE mission_search, mission_reserved IN SHARE ROW EXCLUSIVE MODE;
    UPDATE mission_search s SET skills = (SELECT m.skills FROM mission_shown m WHERE m.id = s.id) WHERE skills && shown;
    UPDATE mission_reserved s SET skills = (SELECT m.skills FROM mission_shown m WHERE m.id = s.id) WHERE skills && shown;
    RETURN NULL;
END
$$;
CREATE TRIGGER skill_replaced AFTER UPDATE ON skill FOR EACH ROW
    WHEN (OLD.replaced_by IS DISTINCT FROM NEW.replaced_by) EXECUTE FUNCTION replace_in_search();

-- What was published before.
SET LOCAL ROLE maillon_ops;
SELECT publish_to_search(m.id) FROM mission m JOIN association a ON a.id = m.association_id
WHERE m.state = 'published' AND (
    concat_ws(' ', m.title, m.summary, m.description, m.deliverable, a.name, m.location_label) IS NOT NFKC NORMALIZED
    OR EXISTS (SELECT FROM jsonb_array_elements(m.skills) named JOIN skill s ON s.id = named ->> 'skill'
               WHERE s.replaced_by IS NOT NULL))
ORDER BY m.id;
RESET ROLE;
SET CONSTRAINTS ALL IMMEDIATE;
