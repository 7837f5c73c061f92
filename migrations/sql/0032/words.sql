-- Its library knows the parameter that a function sets below: a session that has not used it yet may not name it.
SELECT show_limit();

-- The words of skills' names and of synonyms are known before any title says them: what a mistyped word may have meant.
ALTER TABLE search_word ADD COLUMN named boolean NOT NULL DEFAULT false;
GRANT UPDATE ON search_word TO maillon_ops;

CREATE FUNCTION know_words(texts text[]) RETURNS void LANGUAGE sql SET search_path = pg_catalog, public AS $$
    INSERT INTO search_word
    SELECT word, true FROM unnest(texts) said, regexp_split_to_table(lower(unaccent(said)), '[^[:alnum:]]+') word
    WHERE length(word) BETWEEN 4 AND 40 GROUP BY word ORDER BY word
    ON CONFLICT (word) DO UPDATE SET named = true WHERE NOT search_word.named
$$;
CREATE FUNCTION know_names() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM know_words(CASE TG_TABLE_NAME WHEN 'skill' THEN ARRAY(SELECT jsonb_array_elements_text(to_jsonb(NEW) -> 'names'))
                       ELSE ARRAY[to_jsonb(NEW) ->> 'synonym'] END);
    RETURN NULL;
END
$$;
CREATE TRIGGER skill_words AFTER INSERT OR UPDATE ON skill FOR EACH ROW EXECUTE FUNCTION know_names();
CREATE TRIGGER search_synonym_words AFTER INSERT ON search_synonym FOR EACH ROW EXECUTE FUNCTION know_names();
SELECT know_words(names) FROM skill ORDER BY id;
SELECT know_words(array_agg(synonym)) FROM search_synonym;

-- As before, or a name knows it.
CREATE OR REPLACE FUNCTION is_said(word text) RETURNS boolean LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, public AS $$
DECLARE
    forms tsquery := plainto_tsquery('french_plain', word) || plainto_tsquery('english', word);
    known boolean := (SELECT k.named FROM search_word k WHERE k.word = is_said.word);
BEGIN
    RETURN coalesce(known, false) OR (known IS NOT NULL AND (
        EXISTS (SELECT FROM (SELECT titles FROM mission_search ORDER BY published_at DESC, id DESC LIMIT 200) newest
                WHERE titles @@ forms)
        OR EXISTS (SELECT FROM mission_search WHERE titles @@ forms)));
END
$$;

-- As before, and a mistyped name of a skill means the skill.
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
        UNION SELECT label FROM (SELECT typed AS word UNION SELECT word FROM near) said,
              labels_of_skills(said.word) label) meant, search_forms(meant.word) form
    WHERE EXISTS (SELECT FROM search_forms(typed))
$$;
