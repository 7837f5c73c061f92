-- Its library knows the parameter that a function sets below: a session that has not used it yet may not name it.
SELECT show_limit();

-- The skills in use that a folded text may mean: those with names or words that begin so, else those that resemble it,
-- word by word.
CREATE OR REPLACE FUNCTION skills_like(typed text) RETURNS SETOF skill LANGUAGE sql STABLE ROWS 50
    SET pg_trgm.strict_word_similarity_threshold = 0.35 SET enable_seqscan = off AS $$
    WITH begun AS MATERIALIZED (
        SELECT * FROM skill WHERE typed <> '' AND search LIKE '% ' || typed || '%' AND deprecated_at IS NULL)
    SELECT * FROM begun
    UNION ALL
    SELECT * FROM skill WHERE typed <<% search AND deprecated_at IS NULL AND NOT EXISTS (SELECT FROM begun)
$$;
