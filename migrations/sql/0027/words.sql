-- Its library knows the parameter that a function sets below: a session that has not used it yet may not name it.
SELECT show_limit();

-- A word and its stems: what synonyms are looked up by.
CREATE FUNCTION search_keys(plain text) RETURNS text[] LANGUAGE sql IMMUTABLE
    RETURN ARRAY[plain, (ts_lexize('french_stem', plain))[1], (ts_lexize('english_stem', plain))[1]];

-- The labels of the skills that go by a name.
CREATE FUNCTION labels_of_skills(named text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT label FROM skill, unnest(ARRAY[label_fr, label_en]) label
    WHERE names @> ARRAY[folded(named)] AND replaced_by IS NULL
$$;

-- A word with two neighbouring letters exchanged, wherever that may be.
CREATE FUNCTION transposed(word text) RETURNS text[] LANGUAGE sql IMMUTABLE
    RETURN ARRAY(SELECT overlay(word PLACING reverse(substr(word, place, 2)) FROM place FOR 2)
                 FROM generate_series(1, length(word) - 1) place);

CREATE OR REPLACE FUNCTION search_terms(typed text) RETURNS tsquery LANGUAGE sql STABLE
    SET search_path = pg_catalog, public SET pg_trgm.similarity_threshold = 0.4 AS $$
    WITH plain AS MATERIALIZED (SELECT word, length(word) > 3 AND NOT is_said(word) AS mistyped
                                FROM (SELECT lower(unaccent(typed)) AS word)),
    near AS (
        (SELECT w.word FROM plain, search_word w
         WHERE plain.mistyped AND w.word % plain.word
         ORDER BY similarity(w.word, plain.word) DESC, w.word LIMIT 3)
        UNION SELECT w.word FROM plain, unnest(transposed(plain.word)) swapped JOIN search_word w ON w.word = swapped
        WHERE plain.mistyped)
    SELECT string_agg(DISTINCT form::text, ' | ')::tsquery FROM (
        SELECT typed AS word
        UNION SELECT word FROM near
        UNION SELECT s.synonym FROM (SELECT word FROM plain UNION SELECT word FROM near) said
              JOIN search_synonym s ON s.word = ANY (search_keys(said.word))
        UNION SELECT label FROM labels_of_skills(typed) label) meant, search_forms(meant.word) form
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
    END IF;
    -- The name of a skill, in several words.
    every := concat_ws(' | ', '(' || every::text || ')', (
        SELECT string_agg(DISTINCT form::text, ' | ')
        FROM labels_of_skills(question) label, search_forms(label) form))::tsquery;
    IF EXISTS (SELECT FROM (SELECT document FROM mission_search ORDER BY published_at DESC, id DESC LIMIT 200) newest
               WHERE document @@ every) THEN
        RETURN every;
    ELSIF EXISTS (SELECT FROM mission_search WHERE document @@ every) THEN
        RETURN every;
    END IF;
    RETURN array_to_string(terms, ' | ')::tsquery;
END
$$;

-- Its keys are made anew with the next load.
DELETE FROM reference_data WHERE name = 'synonyms.txt';
