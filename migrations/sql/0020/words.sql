-- Its library knows the parameter that a function sets below: a session that has not used it yet may not name it.
SELECT show_limit();

-- A form that several languages or synonyms share is asked once: every one of them is looked up in every mission.
CREATE FUNCTION search_forms(word text) RETURNS SETOF tsquery LANGUAGE sql STABLE
    SET search_path = pg_catalog, public AS $$
    SELECT form
    FROM (VALUES (plainto_tsquery('french', word)), (plainto_tsquery('french_plain', word)),
                 (plainto_tsquery('english', word))) AS said (form)
    WHERE word <> 'les' AND numnode(plainto_tsquery('french', word)) > 0
        AND numnode(plainto_tsquery('english', word)) > 0
$$;

CREATE OR REPLACE FUNCTION search_terms(typed text) RETURNS tsquery LANGUAGE sql STABLE
    SET search_path = pg_catalog, public SET pg_trgm.similarity_threshold = 0.4 AS $$
    WITH plain AS (SELECT lower(unaccent(typed)) AS word),
    near AS (
        SELECT w.word FROM plain, search_word w
        WHERE w.word % plain.word AND length(plain.word) > 3
            AND NOT EXISTS (SELECT FROM search_word k WHERE k.word = plain.word)
        ORDER BY similarity(w.word, plain.word) DESC, w.word LIMIT 3)
    SELECT string_agg(DISTINCT form::text, ' | ')::tsquery FROM (
        SELECT typed AS word
        UNION SELECT synonym FROM plain JOIN search_synonym s USING (word)
        UNION SELECT word FROM near
        UNION SELECT s.synonym FROM near JOIN search_synonym s USING (word)) meant, search_forms(meant.word) form
    WHERE EXISTS (SELECT FROM search_forms(typed))
$$;
DROP FUNCTION search_term(text);

-- Whether any mission has every word is most often known from the newest few.
CREATE OR REPLACE FUNCTION search_query(question text) RETURNS tsquery LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, public AS $$
DECLARE
    terms text[] := ARRAY(
        SELECT '(' || term || ')' FROM (
            SELECT search_terms(word)::text AS term
            FROM (SELECT word, min(place) AS place
                  FROM regexp_split_to_table(lower(question), '[^[:alnum:]]+') WITH ORDINALITY AS split (word, place)
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

-- How many missions say some words is guessed no more; to know it finely made every plan slow.
ALTER TABLE mission_search ALTER COLUMN document SET STATISTICS -1, ALTER COLUMN titles SET STATISTICS -1;
CREATE INDEX mission_search_silent ON mission_search (published_at DESC, id DESC) WHERE silent;
