-- Its library knows the parameter that a function sets below: a session that has not used it yet may not name it.
SELECT show_limit();

-- What people type and what missions say, brought together: stems, accents, synonyms, typing errors.

CREATE TEXT SEARCH CONFIGURATION french_plain (COPY = french);
ALTER TEXT SEARCH CONFIGURATION french_plain
    ALTER MAPPING FOR hword, hword_part, word WITH unaccent, french_stem;

CREATE TABLE search_synonym (
    word text NOT NULL,
    synonym text NOT NULL,
    PRIMARY KEY (word, synonym)
);
-- The words of the titles that are, or were, found: what a mistyped word may have meant.
CREATE TABLE search_word (
    word text PRIMARY KEY
);
CREATE INDEX search_word_trigrams ON search_word USING gin (word gin_trgm_ops);

GRANT SELECT ON search_synonym, search_word TO maillon_app, maillon_ops;
GRANT INSERT, DELETE ON search_word TO maillon_ops;

-- Accents are kept for French, whose stop words and stems they tell apart, and dropped beside it.
CREATE FUNCTION search_words(part text) RETURNS tsvector LANGUAGE sql STABLE
    SET search_path = pg_catalog, public
    RETURN to_tsvector('french', coalesce(part, '')) || to_tsvector('french_plain', coalesce(part, ''))
        || to_tsvector('english', coalesce(part, ''));

-- A word as any of its forms; null where it is a stop word in either language (« les » is missing from PostgreSQL's list).
CREATE FUNCTION search_term(word text) RETURNS tsquery LANGUAGE sql STABLE
    SET search_path = pg_catalog, public
    RETURN CASE WHEN word <> 'les' AND numnode(plainto_tsquery('french', word)) > 0 AND numnode(plainto_tsquery('english', word)) > 0
        THEN plainto_tsquery('french', word) || plainto_tsquery('french_plain', word) || plainto_tsquery('english', word) END;

-- A word, what means the same, and, where no title knows it, the nearest words that one does.
CREATE FUNCTION search_terms(typed text) RETURNS tsquery LANGUAGE sql STABLE
    SET search_path = pg_catalog, public SET pg_trgm.similarity_threshold = 0.4 AS $$
    WITH plain AS (SELECT lower(unaccent(typed)) AS word),
    near AS (
        SELECT w.word FROM plain, search_word w
        WHERE w.word % plain.word AND length(plain.word) > 3
            AND NOT EXISTS (SELECT FROM search_word k WHERE k.word = plain.word)
        ORDER BY similarity(w.word, plain.word) DESC, w.word LIMIT 3)
    SELECT string_agg(search_term(meant.word)::text, ' | ')::tsquery FROM (
        SELECT typed AS word
        UNION SELECT synonym FROM plain JOIN search_synonym s USING (word)
        UNION SELECT word FROM near
        UNION SELECT s.synonym FROM near JOIN search_synonym s USING (word)) meant
    WHERE search_term(typed) IS NOT NULL
$$;

-- Every word of a question, else any of them where no mission has them all; null for stop words alone.
CREATE FUNCTION search_query(question text) RETURNS tsquery LANGUAGE plpgsql STABLE
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
    END IF;
    IF cardinality(terms) = 1 OR EXISTS (SELECT FROM mission_search WHERE document @@ every) THEN
        RETURN every;
    END IF;
    RETURN array_to_string(terms, ' | ')::tsquery;
END
$$;
