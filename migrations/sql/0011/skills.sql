-- Skills and causes: reference data of nobody. Everybody reads it; the owner loads what is shipped, ops adds to it.

-- Text as people type it: without accents, capitals or punctuation. What is left holds no operator of any search.
CREATE FUNCTION folded(written text) RETURNS text LANGUAGE sql STABLE
    RETURN trim(regexp_replace(lower(unaccent(normalize(written, NFKC))), '[^[:alnum:]+#]+', ' ', 'g'));

CREATE TABLE cause (
    id text PRIMARY KEY,
    label_fr text NOT NULL,
    label_en text NOT NULL,
    sdgs integer[] NOT NULL,
    CONSTRAINT cause_sdgs_known CHECK (1 <= ALL (sdgs) AND 17 >= ALL (sdgs))
);

CREATE TABLE skill_family (
    id text PRIMARY KEY,
    label_fr text NOT NULL,
    label_en text NOT NULL,
    CONSTRAINT skill_family_id_is_slug CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$')
);

-- What is shipped and what an operator adds stand in columns of their own (imported_aliases, deprecated_at,
-- replaced_by): loading the shipped list again undoes nothing of the latter.
CREATE TABLE skill (
    id text PRIMARY KEY,
    family_id text NOT NULL REFERENCES skill_family,
    label_fr text NOT NULL,
    label_en text NOT NULL,
    aliases text[] NOT NULL DEFAULT '{}',
    imported_aliases text[] NOT NULL DEFAULT '{}',
    esco_uri text,
    rome_code text,
    deprecated_at timestamptz,
    replaced_by text REFERENCES skill,
    label_fr_key text NOT NULL,
    label_en_key text NOT NULL,
    search text NOT NULL,
    CONSTRAINT skill_id_is_slug CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(id) <= 60),
    CONSTRAINT skill_rome_code_form CHECK (rome_code ~ '^[A-Z][0-9]{4}$'),
    CONSTRAINT skill_replaced_once_deprecated CHECK (replaced_by IS NULL OR deprecated_at IS NOT NULL),
    CONSTRAINT skill_replaced_by_another CHECK (replaced_by <> id),
    -- Deferred: an imported skill gives its concept over to a shipped one within the load.
    CONSTRAINT skill_one_a_concept EXCLUDE (esco_uri WITH =) WHERE (deprecated_at IS NULL)
        DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX skill_of_family ON skill (family_id);
CREATE INDEX skill_replacing ON skill (replaced_by);
CREATE INDEX skill_by_label_fr ON skill (label_fr_key, id) WHERE deprecated_at IS NULL;
CREATE INDEX skill_by_label_en ON skill (label_en_key, id) WHERE deprecated_at IS NULL;
CREATE INDEX skill_trigrams ON skill USING gin (search gin_trgm_ops) WITH (fastupdate = off);

-- By trigger: unaccent is STABLE, which no generated column may call. `search` begins with a space, as every word in it.
CREATE FUNCTION fold_skill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.label_fr_key := folded(NEW.label_fr);
    NEW.label_en_key := folded(NEW.label_en);
    NEW.search := ' ' || concat_ws(' ', NEW.label_fr_key, NEW.label_en_key,
                                   folded(array_to_string(NEW.aliases || NEW.imported_aliases, ' ')));
    RETURN NEW;
END
$$;
CREATE TRIGGER skill_folded BEFORE INSERT OR UPDATE ON skill FOR EACH ROW EXECUTE FUNCTION fold_skill();

GRANT SELECT ON cause, skill_family, skill TO maillon_app;
GRANT SELECT ON cause TO maillon_ops;
GRANT SELECT, INSERT, UPDATE ON skill_family, skill TO maillon_ops;

-- The skills in use that a folded text may mean: those with words that begin so, else those that resemble it.
-- A function, for its settings: the threshold of `<%`, and the index whatever the planner thinks, to whom `<%` seems
-- as cheap as any operator.
CREATE FUNCTION skills_like(typed text) RETURNS SETOF skill LANGUAGE sql STABLE ROWS 50
    SET pg_trgm.word_similarity_threshold = 0.4 SET enable_seqscan = off AS $$
    WITH begun AS MATERIALIZED (
        SELECT * FROM skill WHERE typed <> '' AND search LIKE '% ' || typed || '%' AND deprecated_at IS NULL)
    SELECT * FROM begun
    UNION ALL
    SELECT * FROM skill WHERE typed <% search AND deprecated_at IS NULL AND NOT EXISTS (SELECT FROM begun)
$$;
